/** Dates, numbers and durations by the person's language. */
import { speech, t } from './index.svelte.ts';

type DateStyle = 'time' | 'day' | 'dayYear' | 'short' | 'full' | 'weekday';

const DATES: Record<DateStyle, Intl.DateTimeFormatOptions> = {
  time: { hour: '2-digit', minute: '2-digit' },
  day: { day: 'numeric', month: 'long' },
  dayYear: { day: 'numeric', month: 'long', year: 'numeric' },
  short: { day: 'numeric', month: 'short' },
  weekday: { weekday: 'short', day: 'numeric', month: 'short' },
  full: { day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' },
};

// Building an Intl object costs more than using it a thousand times.
const made = new Map<string, unknown>();
function once<T>(name: string, make: () => T): T {
  if (!made.has(name)) made.set(name, make());
  return made.get(name) as T;
}

function date(style: DateStyle, zone?: string): Intl.DateTimeFormat {
  const language = speech.language;
  return once(
    `date ${language} ${style} ${zone ?? ''}`,
    () =>
      new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
        ...DATES[style],
        ...(zone === undefined ? {} : { timeZone: zone }),
      }),
  );
}

export const time = (at: string): string => date('time').format(new Date(at));
export const full = (at: string): string => date('full').format(new Date(at));

const dayNumber = (when: Date): number =>
  Math.floor(Date.UTC(when.getFullYear(), when.getMonth(), when.getDate()) / 86_400_000);

/** Same local day? Messages are grouped by it. */
export const localDay = (at: string): number => dayNumber(new Date(at));

/** "Today", "Yesterday", "12 November", "12 November 2025". */
export function dayTitle(at: string, nowMs: number): string {
  const [then, now] = [new Date(at), new Date(nowMs)];
  const days = dayNumber(then) - dayNumber(now);
  if (days === 0) return t('day.today');
  if (days === -1) return t('day.yesterday');
  return date(then.getFullYear() === now.getFullYear() ? 'day' : 'dayYear').format(then);
}

/** For a list row: the time today, else the day. */
export function briefly(at: string, nowMs: number): string {
  const then = new Date(at);
  return dayNumber(then) === dayNumber(new Date(nowMs))
    ? date('time').format(then)
    : date('short').format(then);
}

/** When something ends: the time, with the day when that is not today. */
export function until(at: string, nowMs: number): string {
  return localDay(at) === dayNumber(new Date(nowMs)) ? time(at) : `${briefly(at, nowMs)}, ${time(at)}`;
}

/** A plain date of a report ("2026-01-31") as people write it. */
export const reportDay = (day: string): string => date('weekday', 'UTC').format(new Date(`${day}T00:00:00Z`));
export const reportDate = (day: string): string => date('dayYear', 'UTC').format(new Date(`${day}T00:00:00Z`));
export const shortDate = (day: string): string => date('short', 'UTC').format(new Date(`${day}T00:00:00Z`));

function unit(value: number, name: string): string {
  const language = speech.language;
  return once(
    `unit ${language} ${name}`,
    () => new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short' }),
  ).format(value);
}

/** "45 sec", "12 min", "3 hr 5 min", "2 days": two parts at most, nothing that flickers. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return unit(whole, 'second');
  if (whole < 3600) return unit(Math.floor(whole / 60), 'minute');
  if (whole < 86_400) {
    const minutes = Math.floor((whole % 3600) / 60);
    const hours = unit(Math.floor(whole / 3600), 'hour');
    return minutes === 0 ? hours : `${hours} ${unit(minutes, 'minute')}`;
  }
  return unit(Math.floor(whole / 86_400), 'day');
}

/** "0:27", "12:05". */
export function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

export function number(value: number): string {
  return once(`number ${speech.language}`, () => new Intl.NumberFormat(speech.language)).format(value);
}

export function percent(share: number, digits = 0): string {
  return once(
    `percent ${speech.language} ${digits}`,
    () =>
      new Intl.NumberFormat(speech.language, {
        style: 'percent',
        minimumFractionDigits: 0,
        maximumFractionDigits: digits,
      }),
  ).format(share);
}

/** A sum in whole units, by its currency's code. */
export function money(amount: number, currency: string): string {
  return once(
    `money ${speech.language} ${currency}`,
    () => new Intl.NumberFormat(speech.language, { style: 'currency', currency, maximumFractionDigits: 0 }),
  ).format(amount);
}

export function fileSize(bytes: number): string {
  if (bytes < 1024) return unit(bytes, 'byte');
  if (bytes < 1024 * 1024) return unit(Math.round(bytes / 1024), 'kilobyte');
  return unit(Math.round(bytes / 104_857.6) / 10, 'megabyte');
}
