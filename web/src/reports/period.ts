/** The period of a report: in the address, in the workspace's days. Pure. */
import type { Period } from '../api/reports.ts';

const DAY_MS = 86_400_000;
const PLAIN_DATE = /^\d{4}-\d{2}-\d{2}$/;

export type Preset = 'today' | 'week' | 'month' | 'quarter';
export const PRESETS: readonly Preset[] = ['today', 'week', 'month', 'quarter'];
const DAYS: Record<Preset, number> = { today: 1, week: 7, month: 28, quarter: 90 };

const ms = (day: string): number => Date.parse(`${day}T00:00:00Z`);
const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** Today's date where the workspace is. */
export function today(timezone: string, now = new Date()): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(now);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

export const lengthOf = ({ from, to }: Period): number => Math.round((ms(to) - ms(from)) / DAY_MS) + 1;

export function preset(which: Preset, now: string): Period {
  return { from: day(ms(now) - (DAYS[which] - 1) * DAY_MS), to: now };
}

/** Which of the named periods this is, if any. */
export const presetOf = (period: Period, now: string): Preset | null =>
  period.to === now ? (PRESETS.find((which) => DAYS[which] === lengthOf(period)) ?? null) : null;

/** As many days, ending where this one begins. */
export function before(period: Period): Period {
  const length = lengthOf(period);
  return { ...period, from: day(ms(period.from) - length * DAY_MS), to: day(ms(period.from) - DAY_MS) };
}

function isDay(text: string | null): text is string {
  return text !== null && PLAIN_DATE.test(text) && !Number.isNaN(ms(text));
}

/** What the address asks for; what it does not say, or says wrongly, is the last seven days. */
export function readPeriod(search: string, now: string): Period {
  const parameters = new URLSearchParams(search);
  const [from, to, line] = [parameters.get('from'), parameters.get('to'), parameters.get('line')];
  const named = PRESETS.find((which) => which === parameters.get('period')) ?? 'week';
  const asked = isDay(from) && isDay(to) && ms(from) <= ms(to) ? { from, to } : preset(named, now);
  return line === null || line === '' ? asked : { ...asked, line };
}

/** A period with a name is written by it, so that a kept address still means "the last 7 days" tomorrow. */
export function writePeriod(period: Period, now: string): string {
  const named = presetOf(period, now);
  const { from, to, line } = period;
  const parameters = new URLSearchParams(named === null ? { from, to } : { period: named });
  if (line) parameters.set('line', line);
  return `?${parameters}`;
}

/** The same period where a new day has begun: one with a name goes on with the day. */
export function onNewDay(period: Period, before: string, now: string): Period {
  const named = presetOf(period, before);
  return named === null ? period : { ...period, ...preset(named, now) };
}

/** How often the numbers of a period are read anew; one that is over does not change by itself. */
export function restMs(period: Period, now: string): number | null {
  if (period.to < now) return null;
  return lengthOf(period) <= DAYS.month ? 60_000 : 300_000;
}
