import { describe, expect, test } from 'vitest';
import type { ShareRow } from '../../src/api/types.ts';
import { points, range, sums } from '../../src/reports/share.ts';

const row = (more: Partial<ShareRow>): ShareRow => ({
  eligible: 0,
  deflected: 0,
  deflected_30min: 0,
  unconfirmed: 0,
  hung_up_silent: 0,
  share: null,
  ...more,
});

describe('shares', () => {
  test('are as unsure as their callers are few', () => {
    const few = range(1, 4);
    const many = range(1000, 4000);
    expect(few?.low).toBeCloseTo(0.0456, 3);
    expect(few?.high).toBeCloseTo(0.6994, 3);
    expect((many?.high ?? 1) - (many?.low ?? 0)).toBeLessThan(0.03);
    expect(range(0, 10)?.low).toBe(0);
    expect(range(0, 0)).toBeNull();
  });

  test('add up by callers, not by days', () => {
    const rows = [row({ eligible: 10, deflected: 10, share: 1 }), row({ eligible: 90, deflected: 0, share: 0 })];
    expect(sums(rows, null).share).toBeCloseTo(0.1);
    expect(sums(rows, { eligible: 200, deflected: 50 }).share).toBeCloseTo(0.25);
    expect(sums([], null).share).toBeNull();
  });

  test('of the last days are provisional, of lines never', () => {
    const days = points([row({ day: '2026-01-01' }), row({ day: '2026-01-02' })], 'day', '2026-01-02');
    expect(days.map(({ provisional }) => provisional)).toEqual([false, true]);
    expect(points([row({ line: '9' })], 'line', '2026-01-02')[0]?.provisional).toBe(false);
  });
});
