/** Values of a report in words that a person reads. Pure. */
import type { EffectRow, Report } from '../api/types.ts';
import { number, percent } from '../i18n/format.ts';
import { keyFor, t } from '../i18n/index.svelte.ts';

export interface Shown {
  readonly name: string;
  readonly title: string;
  readonly definition: string | null;
  readonly unit: string | null;
  /** Words stand at the left, numbers at the right. */
  readonly worded: boolean;
}

/** The report's columns, without those that are empty in every row: a currency where no cost is known. */
export function shownColumns(report: Report<EffectRow>): readonly Shown[] {
  const kept = report.columns.filter(
    ({ name }) => name === 'status' || report.rows.some((row) => (row[name] ?? null) !== null),
  );
  return kept.map((column) => ({
    ...column,
    worded: column.unit === 'text' || column.unit === 'yes_no',
  }));
}

/** One value; what cannot be told is a dash, and its row's status says why. */
export function inWords(value: string | number | boolean | null | undefined, column: Shown): string {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'boolean') return t(value ? 'report.effect.yes' : 'report.effect.no');
  if (typeof value === 'number') {
    return column.unit === 'share' ? percent(value, 1) : number(Math.round(value));
  }
  const key = column.name === 'status' ? keyFor('report.effect.status', value) : null;
  return key === null ? value : t(key);
}
