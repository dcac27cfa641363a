/** What this person said and the service has not confirmed. Kept until it is settled. Pure. */
import type { Message, TemplateChoice } from '../../api/types.ts';

export interface Outgoing {
  readonly client_id: string;
  readonly conversation_id: string;
  readonly at: string;
  readonly text: string | null;
  readonly file: { readonly name: string; readonly mime: string; readonly size: number } | null;
  readonly media_id: string | null;
  readonly template: TemplateChoice | null;
  readonly state: 'waiting' | 'posting' | 'refused';
  readonly refused: { readonly code: string; readonly detail: string } | null;
  readonly attempts: number;
}

export type Outbox = readonly Outgoing[];

const change = (outbox: Outbox, id: string, to: Partial<Outgoing>): Outbox =>
  outbox.map((one) => (one.client_id === id ? { ...one, ...to } : one));

export const put = (outbox: Outbox, one: Outgoing): Outbox =>
  outbox.some(({ client_id }) => client_id === one.client_id) ? outbox : [...outbox, one];

export const posting = (outbox: Outbox, id: string): Outbox => change(outbox, id, { state: 'posting' });

/** Nobody answered: the same client_id goes again, so at most one message comes of it. */
export const waitAgain = (outbox: Outbox, id: string): Outbox =>
  outbox.map((one) =>
    one.client_id === id ? { ...one, state: 'waiting', attempts: one.attempts + 1 } : one,
  );

export const refuse = (outbox: Outbox, id: string, code: string, detail: string): Outbox =>
  change(outbox, id, { state: 'refused', refused: { code, detail } });

export const retryRefused = (outbox: Outbox, id: string): Outbox =>
  change(outbox, id, { state: 'waiting', refused: null, attempts: 0 });

export const uploaded = (outbox: Outbox, id: string, mediaId: string): Outbox =>
  change(outbox, id, { media_id: mediaId });

export const drop = (outbox: Outbox, id: string): Outbox =>
  outbox.filter(({ client_id }) => client_id !== id);

/** Messages that the service holds need no stand-in any more. */
export function reconcile(outbox: Outbox, messages: readonly Message[]): Outbox {
  if (outbox.length === 0) return outbox;
  const settled = new Set(messages.map(({ client_id }) => client_id));
  const left = outbox.filter(({ client_id }) => !settled.has(client_id));
  return left.length === outbox.length ? outbox : left;
}

export const ofConversation = (outbox: Outbox, id: string): Outbox =>
  outbox.filter(({ conversation_id }) => conversation_id === id);

/** The next to post: in each conversation one after the other; a refused one holds nobody up. */
export function nextUp(outbox: Outbox): Outbox {
  const seen = new Set<string>();
  const ready: Outgoing[] = [];
  for (const one of outbox) {
    if (one.state === 'refused' || seen.has(one.conversation_id)) continue;
    seen.add(one.conversation_id);
    if (one.state === 'waiting') ready.push(one);
  }
  return ready;
}

/** How long to rest before attempt `n` (from 1) is repeated. */
export const restMs = (attempts: number): number => Math.min(30_000, 1000 * 2 ** Math.max(0, attempts - 1));

/** What can outlive the page: a file's bytes cannot, its uploaded id can. */
export const keepable = (outbox: Outbox): Outbox =>
  outbox
    .filter(({ file, media_id }) => file === null || media_id !== null)
    .map((one) => (one.state === 'posting' ? { ...one, state: 'waiting' as const } : one));

/** What an earlier page of this browser left; anything that does not look like ours is dropped. */
export function restore(kept: unknown): Outbox {
  if (!Array.isArray(kept)) return [];
  return kept.filter(
    (one): one is Outgoing =>
      typeof one === 'object' &&
      one !== null &&
      typeof (one as Outgoing).client_id === 'string' &&
      typeof (one as Outgoing).conversation_id === 'string' &&
      ['waiting', 'refused'].includes((one as Outgoing).state),
  );
}
