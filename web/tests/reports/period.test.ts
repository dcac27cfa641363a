import { describe, expect, test } from 'vitest';
import { before, lengthOf, preset, presetOf, readPeriod, today, writePeriod } from '../../src/reports/period.ts';

const NOW = '2026-03-02';

describe('the period', () => {
  test('is what the address says, also after writing it there', () => {
    const period = { from: '2026-02-01', to: '2026-02-14', line: '+7 495 000-11-22' };
    expect(readPeriod(writePeriod(period), NOW)).toEqual(period);
  });

  test.each(['', '?from=x&to=2026-01-01', '?from=2026-02-02&to=2026-01-01', '?from=2026-13-01&to=2026-13-02'])(
    'is the last seven days when the address says %s',
    (search) => expect(readPeriod(search, NOW)).toEqual({ from: '2026-02-24', to: NOW }),
  );

  test('knows its name only when it ends today', () => {
    expect(presetOf(preset('month', NOW), NOW)).toBe('month');
    expect(presetOf({ from: '2026-02-01', to: '2026-02-28' }, NOW)).toBeNull();
  });

  test('is compared with as many days before it', () => {
    const earlier = before({ from: '2026-02-24', to: NOW });
    expect(earlier).toEqual({ from: '2026-02-17', to: '2026-02-23' });
    expect(lengthOf(earlier)).toBe(7);
  });

  test('ends on the day it is where the workspace is', () => {
    const moment = new Date('2026-03-01T22:30:00Z');
    expect(today('Europe/Moscow', moment)).toBe('2026-03-02');
    expect(today('America/New_York', moment)).toBe('2026-03-01');
  });
});
