/** Reports, and the addresses of their exports. */
import { speech } from '../i18n/index.svelte.ts';
import { query, request } from './http.ts';
import type { FunnelRow, Report, ShareRow } from './types.ts';

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

export const exportAddress = (
  name: 'voice-to-chat' | 'deflection-funnel' | 'deflections',
  period: Period,
  format: Format,
  groupBy?: string,
): string => path(name, { ...period, group_by: groupBy, format });
