import { describe, expect, test } from 'vitest';
import { written } from '../../src/i18n/telephone.ts';
import { withLinks } from '../../src/phone/written.ts';

describe('numbers as people write them', () => {
  test.each([
    ['+79005550101', '+7 900 555-01-01'],
    ['+447400555016', '+44 740 055 5016'],
    ['+5531987650115', '+55 319 876 501 15'],
    ['+77015550114', '+7 701 555-01-14'],
    ['+971501234567', '+971 501 234 567'],
    ['88002500000', '88002500000'],
    ['', ''],
  ])('%s', (number, expected) => {
    expect(written(number)).toBe(expected);
  });
});

describe('links in a text', () => {
  test('stand apart from the words around them', () => {
    expect(withLinks('Смотрите (https://example.org/a?b=1). Ждём!')).toEqual([
      { words: 'Смотрите (', link: false },
      { words: 'https://example.org/a?b=1', link: true },
      { words: '). Ждём!', link: false },
    ]);
  });

  test('are http and https only', () => {
    expect(withLinks('javascript:alert(1) ftp://x')).toEqual([
      { words: 'javascript:alert(1) ftp://x', link: false },
    ]);
    expect(withLinks('')).toEqual([]);
  });
});
