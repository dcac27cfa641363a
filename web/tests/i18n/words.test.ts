import { describe, expect, test } from 'vitest';
import { phrase, type Forms } from '../../src/i18n/catalogue.ts';
import { en } from '../../src/i18n/en/index.ts';
import { ru } from '../../src/i18n/ru/index.ts';

const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string).sort();
const forms = (text: string | Forms): string[] =>
  typeof text === 'string' ? [text] : Object.values(text).filter((form) => form !== undefined);

describe('words', () => {
  test.each(Object.keys(en) as (keyof typeof en)[])('%s has the same places in every form and language', (key) => {
    const expected = places(forms(en[key])[0] as string);
    for (const form of [...forms(en[key]), ...forms(ru[key])]) expect(places(form)).toEqual(expected);
  });

  test('Russian plurals follow the number', () => {
    const say = (n: number): string =>
      phrase(ru['list.unread'], { n }, new Intl.PluralRules('ru'), new Intl.NumberFormat('ru'));
    expect([1, 2, 5, 11, 21, 22].map(say)).toEqual([
      '1 новое сообщение',
      '2 новых сообщения',
      '5 новых сообщений',
      '11 новых сообщений',
      '21 новое сообщение',
      '22 новых сообщения',
    ]);
  });

  test('a place without a value stays to be seen, numbers are written as the language does', () => {
    const say = (text: string, values: Record<string, string | number>): string =>
      phrase(text, values, new Intl.PluralRules('en'), new Intl.NumberFormat('en'));
    expect(say('{a} of {b}', { a: 1234 })).toBe('1,234 of {b}');
  });
});
