/** Shares and how sure one may be of them. Pure. */
import type { ShareRow } from '../api/types.ts';

export interface Range {
  readonly low: number;
  readonly high: number;
}

const Z = 1.96;

/** Wilson's interval: honest for few callers, where the plain one would promise 0 % or 100 %. */
export function range(moved: number, of: number): Range | null {
  if (of <= 0) return null;
  const share = Math.min(1, moved / of);
  const spread = Z ** 2 / of;
  const middle = (share + spread / 2) / (1 + spread);
  const half = (Z * Math.sqrt((share * (1 - share)) / of + spread / (4 * of))) / (1 + spread);
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

export interface Sums {
  readonly eligible: number;
  readonly deflected: number;
  readonly unconfirmed: number;
  readonly hung_up_silent: number;
  readonly share: number | null;
}

/** The total as the report says it, else from its rows. */
export function sums(rows: readonly ShareRow[], total: Partial<ShareRow> | null): Sums {
  const sum = (name: 'eligible' | 'deflected' | 'unconfirmed' | 'hung_up_silent'): number =>
    total?.[name] ?? rows.reduce((all, row) => all + (row[name] ?? 0), 0);
  const [eligible, deflected] = [sum('eligible'), sum('deflected')];
  return {
    eligible,
    deflected,
    unconfirmed: sum('unconfirmed'),
    hung_up_silent: sum('hung_up_silent'),
    share: eligible > 0 ? deflected / eligible : null,
  };
}

export interface Point {
  readonly name: string;
  readonly row: ShareRow;
  readonly share: number | null;
  readonly range: Range | null;
  readonly provisional: boolean;
}

export function points(rows: readonly ShareRow[], by: 'day' | 'line', provisionalFrom: string | null): readonly Point[] {
  return rows.map((row) => {
    const name = row[by] ?? '';
    const provisional = by === 'day' && provisionalFrom !== null && name >= provisionalFrom;
    return { name, row, share: row.share, range: range(row.deflected, row.eligible), provisional };
  });
}
