/** What the sandbox's phone API says. */

export interface Person {
  number: string;
  name: string;
  online: boolean;
  behaviour: string;
}

export interface Line {
  number: string;
  brand: string;
  language: 'ru' | 'en';
  chat_account: string | null;
  base_url: string;
}

export interface Config {
  lines: Line[];
  numbers: Person[];
  accounts: { account: string; name: string }[];
  behaviours: string[];
}

export interface TranscriptLine {
  n: number;
  at: number;
  by: 'ivr' | 'person' | 'caller';
  key: string;
  text: string;
  /** The service's reason for it, where it had one; the caller does not hear it. */
  why: string | null;
}

export interface Exchanged {
  method: string;
  path: string;
  request: Record<string, unknown> | null;
  status: number | null;
  reply: unknown;
  elapsed_ms: number;
  error: string | null;
}

export interface Call {
  id: string;
  line: string;
  brand: string;
  language: 'ru' | 'en';
  withheld: boolean;
  state: 'offering' | 'moving' | 'queue' | 'talking' | 'ended';
  outcome: string | null;
  ended_by: 'ivr' | 'caller' | null;
  awaiting_key: boolean;
  started_at: number;
  ended_at: number | null;
  chat_account: string | null;
  transcript: TranscriptLine[];
  api: Exchanged[];
}

export interface MessageButton {
  kind: string;
  title: string;
  id?: string;
  url?: string;
}

export interface ListRow {
  id: string;
  title: string;
  description?: string;
}

export interface Media {
  src?: string;
  type?: string;
  mime_type?: string;
  filename?: string;
  link?: string;
}

export interface Message {
  id: string;
  mine: boolean;
  at: number;
  read: boolean;
  reaction: string | null;
  kind: string;
  text?: string | null;
  header?: string | null;
  footer?: string | null;
  media?: Media;
  buttons?: MessageButton[];
  list?: { button: string; sections: { title?: string; rows: ListRow[] }[] };
  location?: { latitude: number; longitude: number; name?: string; address?: string };
  contacts?: { name: { formatted_name: string } }[];
  reply_to?: string;
}

export interface ChatHead {
  account: string;
  name: string;
  display_number: string;
  unread: number;
  open: boolean;
  typing: boolean;
}

export interface Chat extends ChatHead {
  messages: Message[];
}

export type News =
  | { type: 'snapshot'; phone: Person; chats: Chat[]; call: Call | null }
  | { type: 'chat'; chat: ChatHead; message?: Message }
  | { type: 'call'; call: Call }
  | { type: 'phone'; phone: Person }
  | { type: 'reset' };
