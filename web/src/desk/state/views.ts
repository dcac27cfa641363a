/** Which conversations stand where, and in which order. Pure. */
import type { Conversation, ConversationState } from '../../api/types.ts';

export type Tab = 'mine' | 'waiting' | 'closed';

const HELD: ReadonlySet<ConversationState> = new Set(['active', 'waiting_customer', 'wrapup', 'snoozed']);
const WAITING: ReadonlySet<ConversationState> = new Set(['queued', 'reserved', 'after_hours', 'parked']);
const OVER: ReadonlySet<ConversationState> = new Set(['closed', 'abandoned']);

export const isOver = (conversation: Conversation): boolean => OVER.has(conversation.state);

export const isMine = (conversation: Conversation, me: string): boolean =>
  conversation.operator?.id === me && HELD.has(conversation.state);

/** May this person write to the customer now, as far as ownership goes? */
export const mayWrite = (conversation: Conversation, me: string): boolean =>
  conversation.operator?.id === me &&
  (conversation.state === 'active' || conversation.state === 'waiting_customer');

export function tabOf(conversation: Conversation, me: string): Tab | null {
  if (isMine(conversation, me)) return 'mine';
  if (WAITING.has(conversation.state)) return 'waiting';
  if (isOver(conversation)) return 'closed';
  return null;
}

const at = (time: string | null): number => (time === null ? 0 : Date.parse(time));

/** The queue's own order: a step of priority is worth a minute of waiting. */
const score = (conversation: Conversation): number =>
  at(conversation.enqueued_at ?? conversation.opened_at) - conversation.priority * 60_000;

const ORDER: Record<Tab, (one: Conversation, other: Conversation) => number> = {
  // Rows keep their place while messages come: a list that jumps makes people hit the wrong row.
  mine: (one, other) =>
    at(one.enqueued_at ?? one.opened_at) - at(other.enqueued_at ?? other.opened_at),
  waiting: (one, other) => score(one) - score(other),
  closed: (one, other) =>
    at(other.closed_at ?? other.opened_at) - at(one.closed_at ?? one.opened_at),
};

export function rowsOf(
  conversations: Iterable<Conversation>,
  tab: Tab,
  me: string,
  hidden: ReadonlySet<string> = new Set(),
): readonly Conversation[] {
  return [...conversations]
    .filter((one) => tabOf(one, me) === tab && !hidden.has(one.id))
    .sort((one, other) => ORDER[tab](one, other) || (one.id < other.id ? -1 : 1));
}

/** Seconds after which a waiting customer begins to feel forgotten, and has been. */
export const PROMISE_S = 180;

export type Warmth = 'calm' | 'warm' | 'hot';

export function warmth(waitedS: number, promiseS = PROMISE_S): Warmth {
  if (waitedS >= promiseS) return 'hot';
  return waitedS >= promiseS / 2 ? 'warm' : 'calm';
}

/** Channels on which a business may write freely only for a day after the customer's last message. */
const WINDOWED: ReadonlySet<string> = new Set(['whatsapp']);

const FOREVER_S = 366 * 86_400;

export type Window =
  | { readonly kind: 'free' }
  | { readonly kind: 'open'; readonly until: string; readonly leftS: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'never' };

export function windowOf(conversation: Conversation, nowMs: number): Window {
  if (!WINDOWED.has(conversation.channel.kind)) return { kind: 'free' };
  if (conversation.window_until === null) return { kind: 'never' };
  const leftS = Math.floor((Date.parse(conversation.window_until) - nowMs) / 1000);
  // An account without a window is told as one that never ends.
  if (leftS > FOREVER_S) return { kind: 'free' };
  return leftS > 0 ? { kind: 'open', until: conversation.window_until, leftS } : { kind: 'closed' };
}
