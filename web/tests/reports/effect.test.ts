import { describe, expect, it } from 'vitest';
import type { EffectRow, Report } from '../../src/api/types.ts';
import { inWords, shownColumns } from '../../src/reports/effect.ts';

const column = (name: string, unit: string) => ({ name, title: name, unit, definition: null });
const report = (rows: readonly EffectRow[]): Report<EffectRow> => ({
  report: 'savings',
  title: 'Savings',
  from: '2026-01-10',
  to: '2026-01-10',
  timezone: 'Europe/Moscow',
  group_by: [],
  provisional_from: null,
  definition: '',
  columns: [column('line', 'text'), column('net', 'share'), column('currency', 'text'), column('status', 'text')],
  rows,
  total: null,
});

describe('a report in words', () => {
  it('leaves out columns that say nothing, but never why', () => {
    const shown = shownColumns(report([{ line: 'Main', net: 0.2, currency: null, status: 'measured' }]));
    expect(shown.map(({ name }) => name)).toEqual(['line', 'net', 'status']);
    expect(shown.map(({ worded }) => worded)).toEqual([true, false, true]);
  });

  it('never shows a figure that cannot be told', () => {
    const [, net, status] = shownColumns(report([{ line: 'Main', net: 0.2, currency: null, status: 'x' }]));
    expect(net && inWords(null, net)).toBe('—');
    expect(net && inWords(-0.031, net)).toContain('3.1');
    expect(status && inWords('not_enough', status)).toBe('not enough calls yet');
    expect(status && inWords('something_new', status)).toBe('something_new');
  });
});
