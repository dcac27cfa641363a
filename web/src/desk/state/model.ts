/** What the desk holds of the service's state, and how each report changes it. Pure: no I/O, no clock. */
import type {
  Change,
  Conversation,
  Message,
  Presence,
  Queue,
  Reservation,
  Snapshot,
} from '../../api/types.ts';
import { emptyThread, mergeMessages, type Thread } from './thread.ts';

export interface DeskState {
  readonly cursor: string | null;
  /** Grows with every live change, so that a slower REST answer never undoes a newer one. */
  readonly revision: number;
  readonly conversations: ReadonlyMap<string, Conversation>;
  /** The revision at which a conversation last changed live. */
  readonly touched: ReadonlyMap<string, number>;
  readonly threads: ReadonlyMap<string, Thread>;
  readonly reservations: ReadonlyMap<string, Reservation>;
  readonly queues: readonly Queue[];
  readonly presence: Presence | null;
}

export const EMPTY: DeskState = {
  cursor: null,
  revision: 0,
  conversations: new Map(),
  touched: new Map(),
  threads: new Map(),
  reservations: new Map(),
  queues: [],
  presence: null,
};

const byId = <T extends { readonly id: string }>(items: readonly T[]): Map<string, T> =>
  new Map(items.map((item) => [item.id, item]));

/** Everything held is thrown away; threads stay on the screen, marked stale, until they are read anew. */
export function applySnapshot(state: DeskState, snapshot: Snapshot): DeskState {
  const revision = state.revision + 1;
  return {
    cursor: snapshot.cursor,
    revision,
    conversations: byId(snapshot.conversations),
    touched: new Map(snapshot.conversations.map(({ id }) => [id, revision])),
    threads: new Map([...state.threads].map(([id, thread]) => [id, { ...thread, stale: true }])),
    reservations: byId(snapshot.reservations),
    queues: snapshot.queues,
    presence: snapshot.presence,
  };
}

interface Draft {
  conversations: Map<string, Conversation>;
  touched: Map<string, number>;
  threads: Map<string, Thread>;
  reservations: Map<string, Reservation>;
  queues: Queue[];
  presence: Presence | null;
}

/** Items carry the state of a thing, so applying one twice, or a batch again, changes nothing. */
export function applyChanges(
  state: DeskState,
  items: readonly Change[],
  cursor: string | null = state.cursor,
): DeskState {
  const revision = state.revision + 1;
  const draft: Draft = {
    conversations: new Map(state.conversations),
    touched: new Map(state.touched),
    threads: new Map(state.threads),
    reservations: new Map(state.reservations),
    queues: [...state.queues],
    presence: state.presence,
  };
  for (const item of items) applyOne(draft, item, revision);
  return { cursor, revision, ...draft };
}

function applyOne(draft: Draft, item: Change, revision: number): void {
  switch (item.kind) {
    case 'conversation':
      draft.conversations.set(item.conversation.id, item.conversation);
      draft.touched.set(item.conversation.id, revision);
      return;
    case 'conversation_gone':
      draft.conversations.delete(item.id);
      draft.threads.delete(item.id);
      draft.touched.set(item.id, revision);
      return;
    case 'message': {
      // A thread that nobody opened is read whole when someone does.
      const thread = draft.threads.get(item.conversation_id);
      if (thread !== undefined)
        draft.threads.set(item.conversation_id, mergeMessages(thread, [item.message], { at: revision }));
      return;
    }
    case 'reservation':
      draft.reservations.set(item.reservation.id, item.reservation);
      return;
    case 'reservation_gone':
      draft.reservations.delete(item.id);
      return;
    case 'presence':
      draft.presence = item.presence;
      return;
    case 'queue':
      draft.queues = draft.queues.some((queue) => queue.id === item.queue.id)
        ? draft.queues.map((queue) => (queue.id === item.queue.id ? item.queue : queue))
        : [...draft.queues, item.queue];
      return;
    case 'viewers': {
      const conversation = draft.conversations.get(item.conversation_id);
      if (conversation !== undefined)
        draft.conversations.set(conversation.id, { ...conversation, viewers: item.viewers });
      return;
    }
  }
}

/** Conversations that REST told, as of the revision at which they were asked for. */
export function learnConversations(
  state: DeskState,
  told: readonly Conversation[],
  askedAt: number,
): DeskState {
  const conversations = new Map(state.conversations);
  for (const one of told) {
    const held = conversations.get(one.id);
    const changedSince = (state.touched.get(one.id) ?? -1) > askedAt;
    const older = held !== undefined && (one.epoch < held.epoch || one.last_seq < held.last_seq);
    if (!changedSince && !older) conversations.set(one.id, one);
  }
  return { ...state, conversations };
}

/** Begin to hold a thread: from here on its live messages are kept. */
export function expectThread(state: DeskState, id: string): DeskState {
  if (state.threads.has(id)) return state;
  return { ...state, threads: new Map(state.threads).set(id, emptyThread()) };
}

export interface Told {
  readonly askedAt: number;
  /** Set when this was the newest page or an older one: whether there is more before it. */
  readonly hasEarlier?: boolean;
  /** The newest page of a thread: it replaces a stale one. */
  readonly newest?: boolean;
}

export function learnMessages(
  state: DeskState,
  id: string,
  messages: readonly Message[],
  told: Told,
): DeskState {
  const held = state.threads.get(id) ?? emptyThread();
  const base =
    held.stale && told.newest
      ? {
          ...held,
          stale: false,
          // What came live since the question is newer than the answer.
          messages: held.messages.filter((message) => (held.touched.get(message.id) ?? -1) > told.askedAt),
        }
      : held;
  const merged = mergeMessages(base, messages, { askedAt: told.askedAt });
  const thread: Thread = {
    ...merged,
    loaded: true,
    hasEarlier: told.hasEarlier ?? merged.hasEarlier,
  };
  return { ...state, threads: new Map(state.threads).set(id, thread) };
}

/** One message that a request of ours answered with; a thread that nobody opened does without it. */
export function learnMessage(state: DeskState, message: Message, askedAt: number): DeskState {
  const thread = state.threads.get(message.conversation_id);
  if (thread === undefined) return state;
  const merged = mergeMessages(thread, [message], { askedAt });
  return { ...state, threads: new Map(state.threads).set(message.conversation_id, merged) };
}

export function dropReservation(state: DeskState, id: string): DeskState {
  if (!state.reservations.has(id)) return state;
  const reservations = new Map(state.reservations);
  reservations.delete(id);
  return { ...state, reservations };
}
