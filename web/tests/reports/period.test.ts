import { describe, expect, test } from 'vitest';
import { before, lengthOf, onNewDay, preset, presetOf, readPeriod, restMs, today, writePeriod } from '../../src/reports/period.ts';

const NOW = '2026-03-02';

describe('the period', () => {
  test('is what the address says, also after writing it there', () => {
    const period = { from: '2026-02-01', to: '2026-02-14', line: '+7 495 000-11-22' };
    expect(readPeriod(writePeriod(period, NOW), NOW)).toEqual(period);
  });

  test('with a name stays that name in a kept address, and on a page left open over midnight', () => {
    const [week, tomorrow] = [{ ...preset('week', NOW), line: 'main' }, '2026-03-03'];
    const address = writePeriod(week, NOW);
    expect(address).toBe('?period=week&line=main');
    expect(readPeriod(address, tomorrow)).toEqual({ from: '2026-02-25', to: tomorrow, line: 'main' });
    expect(onNewDay(week, NOW, tomorrow)).toEqual(readPeriod(address, tomorrow));
    const own = { from: '2026-02-01', to: '2026-02-14' };
    expect(onNewDay(own, NOW, tomorrow)).toEqual(own);
  });

  test('is read anew while it goes on', () => {
    expect(restMs(preset('week', NOW), NOW)).toBe(60_000);
    expect(restMs(preset('quarter', NOW), NOW)).toBe(300_000);
    expect(restMs({ from: '2026-02-01', to: '2026-02-28' }, NOW)).toBeNull();
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
