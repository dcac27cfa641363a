/** One thread's messages: in order, once each, never older than what was already seen. Pure. */
import type { Message } from '../../api/types.ts';

export interface Thread {
  /** Ascending by seq, each seq once. */
  readonly messages: readonly Message[];
  /** The revision at which a message last changed live, by its id. */
  readonly touched: ReadonlyMap<string, number>;
  readonly hasEarlier: boolean;
  readonly loaded: boolean;
  /** Held from before a snapshot: shown, but read anew. */
  readonly stale: boolean;
}

export const emptyThread = (): Thread => ({
  messages: [],
  touched: new Map(),
  hasEarlier: false,
  loaded: false,
  stale: false,
});

/** `at` for live messages, `askedAt` for those of a REST answer. */
export type Source = { readonly at: number } | { readonly askedAt: number };

export function mergeMessages(thread: Thread, incoming: readonly Message[], source: Source): Thread {
  const bySeq = new Map(thread.messages.map((message) => [message.seq, message]));
  const touched = new Map(thread.touched);
  for (const message of incoming) {
    if ('at' in source) touched.set(message.id, source.at);
    else if ((touched.get(message.id) ?? -1) > source.askedAt) continue;
    bySeq.set(message.seq, message);
  }
  return {
    ...thread,
    touched,
    messages: [...bySeq.values()].sort((one, other) => one.seq - other.seq),
  };
}

/** The seq after which something is missing, or null. `lastSeq` is the conversation's own count. */
export function gapAfter(thread: Thread, lastSeq: number): number | null {
  if (!thread.loaded || thread.stale) return null;
  const { messages } = thread;
  for (let at = 1; at < messages.length; at += 1) {
    const before = messages[at - 1] as Message;
    if ((messages[at] as Message).seq !== before.seq + 1) return before.seq;
  }
  const last = messages.at(-1)?.seq ?? 0;
  return last < lastSeq ? last : null;
}

/** Did this message fail for good, as far as anybody knows? Delivered or read outranks a failure. */
export function isFailed(message: Message): boolean {
  const { delivery } = message;
  return (
    delivery !== null &&
    delivery.failed !== null &&
    delivery.state !== 'delivered' &&
    delivery.state !== 'read'
  );
}

/** A person may decide to send their own words anew. */
export function mayRetry(message: Message): boolean {
  return (
    message.direction === 'out' &&
    message.author.kind === 'operator' &&
    (isFailed(message) || message.delivery?.state === 'unknown')
  );
}

/** Did the same words go out again later? Then nobody needs to be asked. */
export function wasResent(message: Message, messages: readonly Message[]): boolean {
  return messages.some(
    (later) =>
      later.seq > message.seq &&
      later.direction === 'out' &&
      later.type === message.type &&
      later.text === message.text &&
      later.media?.id === message.media?.id,
  );
}
