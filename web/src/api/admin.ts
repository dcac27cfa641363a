/** Lines, as administrators see and keep them. */
import type { Schema, Value } from '../admin/form/schema.ts';
import { request } from './http.ts';

export type Values = { readonly [name: string]: Value };

export interface LineShown {
  readonly id: string;
  readonly name: string;
  readonly managed_by: 'file' | 'pages';
  readonly version: number;
  readonly line: Values;
}

export interface TemplateChoice {
  readonly account: string;
  readonly name: string;
  readonly language: string;
  readonly body: string;
  readonly parameters: number;
  readonly buttons: readonly string[];
  readonly state: string;
}

export interface Choices {
  readonly accounts: readonly string[];
  readonly flows: readonly string[];
  readonly queues: readonly string[];
  readonly kinds: Readonly<Record<string, string>>;
  readonly templates: readonly TemplateChoice[];
  readonly languages: readonly string[];
  readonly line_schema: Schema;
}

export interface TraceStep {
  readonly rule?: string;
  readonly saw?: 'passed' | 'skipped' | 'refused';
  readonly found?: Readonly<Record<string, Value>>;
  readonly wanted?: Readonly<Record<string, Value>>;
}

export interface Decision {
  readonly action: string;
  readonly reason: string;
  readonly channel: string | null;
  readonly reachability: string;
  readonly chat_wait_s: number | null;
  readonly variant: string;
  readonly trace: readonly TraceStep[] | null;
}

export interface TrialAnswer {
  readonly offer: Decision;
  readonly press: Decision;
}

const path = (name: string): string => `/v1/lines/${encodeURIComponent(name)}`;

export const lines = async (): Promise<readonly LineShown[]> =>
  (await request<{ lines: readonly LineShown[] }>('GET', '/v1/lines')).lines;

export const choices = (): Promise<Choices> => request('GET', '/v1/line-choices');

export const keep = (name: string, line: Values, version: number | null): Promise<LineShown> =>
  request('PUT', path(name), { body: version === null ? { line } : { line, version } });

export const rehearse = (name: string, trial: Values): Promise<TrialAnswer> =>
  request('POST', `${path(name)}/trial`, { body: trial });
