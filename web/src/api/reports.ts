/** Reports, and the addresses of their exports. */
import { speech } from '../i18n/index.svelte.ts';
import { query, request } from './http.ts';
import type { EffectRow, FunnelRow, Report, ShareRow } from './types.ts';

export interface Period {
  readonly from: string;
  readonly to: string;
  readonly line?: string | null;
}

export type Format = 'csv' | 'xlsx';

// Definitions and column titles come in the language that the page speaks, not the browser's.
const path = (name: string, parameters: Record<string, string | null | undefined>): string =>
  `/v1/reports/${name}${query({ ...parameters, language: speech.language })}`;

export const voiceToChat = (
  period: Period,
  groupBy: 'day' | 'line',
): Promise<Report<ShareRow>> =>
  request('GET', path('voice-to-chat', { ...period, group_by: groupBy }), { patienceMs: 60_000 });

export const funnel = (period: Period): Promise<Report<FunnelRow>> =>
  request('GET', path('deflection-funnel', { ...period }), { patienceMs: 60_000 });

/** Measured against callers to whom nothing was offered, and what a candidate policy would answer. */
export const EFFECTS = ['net-share', 'savings', 'repeat-calls', 'shadow'] as const;
export type Effect = (typeof EFFECTS)[number];

export const effect = (name: Effect, period: Period): Promise<Report<EffectRow>> =>
  request('GET', path(name, { ...period }), { patienceMs: 60_000 });

export type ReportName = 'voice-to-chat' | 'deflection-funnel' | 'deflections' | Effect;

export const exportAddress = (
  name: ReportName,
  period: Period,
  format: Format,
  groupBy?: string,
): string => path(name, { ...period, group_by: groupBy, format });
