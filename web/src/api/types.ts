/** The objects of the desk API, as docs/api/desk.md describes them. */

export type Time = string;

export type Role = 'operator' | 'lead' | 'manager' | 'admin';
export type Right = 'desk' | 'reports' | 'admin' | 'see_phone';

export interface Me {
  readonly person: { readonly id: string; readonly name: string; readonly email: string };
  readonly workspace: {
    readonly name: string;
    readonly title: string;
    readonly timezone: string;
    readonly accent: string | null;
    readonly languages: readonly string[];
  };
  readonly roles: readonly Role[];
  readonly queues: readonly Queue[];
  readonly presence: Presence;
  readonly rights: readonly Right[];
}

export interface Queue {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly waiting: number;
  readonly reservation_s: number;
  readonly wrapup_s: number;
  readonly open: boolean;
}

export type Declared = 'online' | 'busy' | 'break' | 'offline';

export interface Presence {
  readonly declared: Declared;
  readonly reason: string | null;
  readonly link: 'connected' | 'grace' | 'lost';
  readonly not_responding: boolean;
  readonly load: number;
  readonly capacity: number;
  readonly since: Time;
}

export type ConversationState =
  | 'invited'
  | 'bot'
  | 'queued'
  | 'reserved'
  | 'active'
  | 'waiting_customer'
  | 'wrapup'
  | 'after_hours'
  | 'snoozed'
  | 'parked'
  | 'abandoned'
  | 'closed';

export interface Viewer {
  readonly id: string;
  readonly name: string;
  readonly typing: boolean;
}

export interface CallCard {
  readonly call_id: string;
  readonly line: { readonly number: string; readonly title: string };
  readonly caller: string | null;
  readonly at: Time;
  readonly ivr_path: readonly string[];
  readonly digits: string | null;
  readonly intent: string | null;
  readonly voice_wait_s: number | null;
  readonly queue_position: number | null;
  readonly context: Readonly<Record<string, unknown>>;
  readonly deflection_id: string | null;
  readonly earlier_calls: number;
  readonly outcome: string | null;
  readonly rescue: boolean;
  /** The line calls back: a chat of it may go back to the telephone. */
  readonly may_return: boolean;
  readonly returning: {
    readonly state: string;
    readonly at: Time;
    readonly asked_by: string | null;
    readonly queued_at: Time | null;
  } | null;
  /** Calls that nobody answered. */
  readonly tries: number;
  readonly next_try_at: Time | null;
  readonly called_again: { readonly at: Time; readonly calls: number; readonly within_s: number } | null;
}

export interface Summary {
  readonly language: string | null;
  readonly slots: Readonly<Record<string, unknown>>;
  readonly path: readonly string[];
  readonly reason: string | null;
}

export type AuthorKind = 'customer' | 'bot' | 'operator' | 'system' | 'business';

export interface Conversation {
  readonly id: string;
  readonly kind: 'chat' | 'callback';
  readonly state: ConversationState;
  readonly epoch: number;
  readonly queue: { readonly id: string; readonly title: string } | null;
  readonly operator: { readonly id: string; readonly name: string } | null;
  readonly contact: {
    readonly id: string;
    readonly name: string | null;
    readonly phone: string | null;
    readonly language: string | null;
  };
  readonly channel: { readonly kind: string; readonly name: string };
  readonly last: { readonly text: string; readonly author: AuthorKind; readonly at: Time } | null;
  readonly unread: number;
  readonly enqueued_at: Time | null;
  readonly waiting_since: Time | null;
  readonly reserved_until: Time | null;
  readonly wrapup_until: Time | null;
  readonly opened_at: Time | null;
  readonly closed_at: Time | null;
  readonly closed_reason: string | null;
  readonly topic: string | null;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly window_until: Time | null;
  readonly viewers: readonly Viewer[];
  readonly call: CallCard | null;
  readonly last_seq: number;
  readonly summary: Summary | null;
}

export type MessageType =
  | 'text'
  | 'template'
  | 'buttons'
  | 'list'
  | 'choice'
  | 'image'
  | 'document'
  | 'audio'
  | 'video'
  | 'sticker'
  | 'location'
  | 'contacts'
  | 'reaction'
  | 'unsupported'
  | 'event';

export interface Media {
  readonly id: string;
  readonly url: string;
  readonly mime: string;
  readonly name: string | null;
  readonly size: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly state: 'pending' | 'ready' | 'failed';
}

export interface Delivery {
  readonly state: 'queued' | 'sending' | 'accepted' | 'sent' | 'delivered' | 'read' | 'unknown';
  readonly failed: { readonly code: string; readonly text: string | null } | null;
  readonly at: Time | null;
}

export interface Message {
  readonly id: string;
  readonly conversation_id: string;
  readonly seq: number;
  readonly direction: 'in' | 'out';
  readonly author: { readonly kind: AuthorKind; readonly id: string | null; readonly name: string | null };
  readonly at: Time;
  readonly type: MessageType;
  readonly text: string | null;
  readonly options: readonly { readonly id: string; readonly title: string }[];
  readonly media: Media | null;
  readonly event: { readonly code: string; readonly params: Readonly<Record<string, unknown>> } | null;
  readonly delivery: Delivery | null;
  readonly client_id: string | null;
  readonly reply_to: string | null;
}

export interface Reservation {
  readonly id: string;
  readonly conversation: Conversation;
  readonly reason: string | null;
  readonly waiting_s: number;
  readonly expires_at: Time;
  readonly server_now: Time;
}

export interface Template {
  readonly name: string;
  readonly language: string;
  readonly body: string;
  readonly parameters: readonly string[];
  readonly channel: string;
}

/** By language: what people call the names of slots, tags, topics and steps. */
export type Titles = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface TemplateChoice {
  readonly name: string;
  readonly language: string;
  readonly parameters: readonly string[];
}

export interface Contact {
  readonly id: string;
  readonly name: string | null;
  readonly phone: string | null;
  readonly language: string | null;
  readonly addresses: readonly { readonly kind: string; readonly value: string }[];
  readonly tags: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly opted_out: boolean;
  readonly conversations: readonly Conversation[];
}

/* Live */

export type Change =
  | { readonly kind: 'conversation'; readonly conversation: Conversation }
  | { readonly kind: 'conversation_gone'; readonly id: string }
  | { readonly kind: 'message'; readonly conversation_id: string; readonly message: Message }
  | { readonly kind: 'reservation'; readonly reservation: Reservation }
  | {
      readonly kind: 'reservation_gone';
      readonly id: string;
      readonly conversation_id: string;
      readonly reason: 'accepted' | 'declined' | 'timed_out' | 'rescinded';
    }
  | { readonly kind: 'presence'; readonly presence: Presence }
  | { readonly kind: 'queue'; readonly queue: Queue }
  | { readonly kind: 'viewers'; readonly conversation_id: string; readonly viewers: readonly Viewer[] };

export interface Snapshot {
  readonly type: 'welcome';
  readonly resumed: false;
  readonly cursor: string;
  readonly server_now: Time;
  readonly presence: Presence;
  readonly conversations: readonly Conversation[];
  readonly reservations: readonly Reservation[];
  readonly queues: readonly Queue[];
}

export interface Resumed {
  readonly type: 'welcome';
  readonly resumed: true;
  readonly cursor: string;
  readonly server_now: Time;
  readonly presence: Presence;
}

export type Frame =
  | Snapshot
  | Resumed
  | { readonly type: 'changes'; readonly cursor: string; readonly items: readonly Change[] }
  | { readonly type: 'ping' }
  | { readonly type: 'signed_out' };

/* Reports */

export interface Report<Row> {
  readonly report: string;
  readonly title: string;
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
  readonly group_by: readonly string[];
  readonly provisional_from: string | null;
  readonly definition: string;
  readonly columns: readonly {
    readonly name: string;
    readonly title: string;
    readonly unit: string | null;
    readonly definition: string | null;
  }[];
  readonly rows: readonly Row[];
  readonly total: Partial<Row> | null;
}

export interface ShareRow {
  readonly day?: string | null;
  readonly line?: string | null;
  readonly eligible: number;
  readonly deflected: number;
  readonly deflected_30min: number;
  readonly unconfirmed: number;
  readonly hung_up_silent: number;
  readonly share: number | null;
}

export type EffectRow = Readonly<Record<string, string | number | boolean | null>>;

export interface FunnelRow {
  readonly step: string;
  readonly count: number;
  readonly of_previous: number | null;
  readonly of_first: number | null;
  readonly dropped: readonly { readonly reason: string; readonly count: number }[];
}
