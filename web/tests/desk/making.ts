/** Shortest objects of the API that a test can speak about. */
import type { Conversation, Message, Presence, Queue, Reservation, Snapshot } from '../../src/api/types.ts';

export const PRESENCE: Presence = {
  declared: 'online',
  reason: null,
  link: 'connected',
  not_responding: false,
  load: 0,
  capacity: 5,
  since: '2026-01-01T00:00:00.000Z',
};

export const QUEUE: Queue = {
  id: 'qu_1',
  name: 'orders',
  title: 'Orders',
  waiting: 0,
  reservation_s: 30,
  wrapup_s: 30,
  open: true,
};

export function conversation(id: string, more: Partial<Conversation> = {}): Conversation {
  return {
    id,
    kind: 'chat',
    state: 'active',
    epoch: 1,
    queue: { id: 'qu_1', title: 'Orders' },
    operator: { id: 'pe_me', name: 'Me' },
    contact: { id: 'ct_1', name: 'Anna', phone: null, language: 'en' },
    channel: { kind: 'whatsapp', name: 'main' },
    last: null,
    unread: 0,
    enqueued_at: '2026-01-01T10:00:00.000Z',
    waiting_since: null,
    reserved_until: null,
    wrapup_until: null,
    opened_at: '2026-01-01T10:00:00.000Z',
    closed_at: null,
    closed_reason: null,
    topic: null,
    tags: [],
    priority: 0,
    window_until: null,
    viewers: [],
    call: null,
    last_seq: 0,
    summary: null,
    ...more,
  };
}

export function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    id: `ms_${seq}`,
    conversation_id: 'cv_1',
    seq,
    direction: 'in',
    author: { kind: 'customer', id: null, name: null },
    at: '2026-01-01T10:00:00.000Z',
    type: 'text',
    text: `words ${seq}`,
    options: [],
    media: null,
    event: null,
    delivery: null,
    client_id: null,
    reply_to: null,
    ...more,
  };
}

export function reservation(id: string, held: Conversation): Reservation {
  return {
    id,
    conversation: held,
    reason: null,
    waiting_s: 10,
    expires_at: '2026-01-01T10:00:30.000Z',
    server_now: '2026-01-01T10:00:00.000Z',
  };
}

export function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {
    type: 'welcome',
    resumed: false,
    cursor: '9',
    server_now: '2026-01-01T10:00:00.000Z',
    presence: PRESENCE,
    conversations: [],
    reservations: [],
    queues: [QUEUE],
    ...more,
  };
}
