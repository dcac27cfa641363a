/** The requests of the desk API, one function each. */
import { query, request } from './http.ts';
import type {
  Contact,
  Conversation,
  Declared,
  Me,
  Media,
  Message,
  Presence,
  Template,
  TemplateChoice,
  Titles,
} from './types.ts';

export type View = 'mine' | 'waiting' | 'open' | 'closed';

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export interface MessagePage {
  readonly items: readonly Message[];
  readonly has_more: boolean;
}

export interface Draft {
  readonly client_id: string;
  readonly epoch: number;
  readonly text?: string;
  readonly media_id?: string;
  readonly template?: TemplateChoice;
}

const conversation = (id: string): string => `/v1/conversations/${encodeURIComponent(id)}`;

export const signIn = (body: { email: string; password: string; workspace?: string }): Promise<Me> =>
  request('POST', '/v1/session', { body });

export const whoAmI = (): Promise<Me> => request('GET', '/v1/session');

export const signOut = (): Promise<null> => request('DELETE', '/v1/session');

export const declare = (declared: Declared, reason?: string): Promise<Presence> =>
  request('PUT', '/v1/operators/me/presence', { body: reason ? { declared, reason } : { declared } });

export const listConversations = (
  view: View,
  filter: { q?: string; cursor?: string | null; limit?: number; signal?: AbortSignal } = {},
): Promise<Page<Conversation>> => {
  const { signal, ...rest } = filter;
  return request('GET', `/v1/conversations${query({ view, limit: 50, ...rest })}`, signal ? { signal } : {});
};

export const getConversation = (id: string): Promise<Conversation> => request('GET', conversation(id));

export const getMessages = (
  id: string,
  span: { before_seq?: number; after_seq?: number; limit?: number } = {},
): Promise<MessagePage> =>
  request('GET', `${conversation(id)}/messages${query({ limit: 60, ...span })}`);

export const sendMessage = (id: string, draft: Draft): Promise<Message> =>
  request('POST', `${conversation(id)}/messages`, { body: draft });

export const retryMessage = (
  id: string,
  messageId: string,
  body: { epoch: number; client_id: string },
): Promise<Message> =>
  request('POST', `${conversation(id)}/messages/${encodeURIComponent(messageId)}/retry`, { body });

export const markRead = (id: string, seq: number): Promise<unknown> =>
  request('POST', `${conversation(id)}/read`, { body: { seq } });

export const tellTyping = (id: string): Promise<unknown> => request('POST', `${conversation(id)}/typing`);

/** `keepalive` lets the request outlive the page that asks. */
export const closeConversation = (
  id: string,
  body: { epoch: number; topic?: string },
  keepalive = false,
): Promise<unknown> => request('POST', `${conversation(id)}/close`, { body, keepalive });

export const endWrapup = (id: string, epoch: number): Promise<unknown> =>
  request('POST', `${conversation(id)}/wrapup/end`, { body: { epoch } });

export const transfer = (
  id: string,
  body: { epoch: number; queue_id: string; reason?: string },
): Promise<unknown> => request('POST', `${conversation(id)}/transfer`, { body });

export const returnToVoice = (id: string, epoch: number): Promise<unknown> =>
  request('POST', '/v1/calls/return', { body: { conversation_id: id, epoch } });

export const calledBack = (
  id: string,
  body: { epoch: number; answered: boolean },
): Promise<Conversation> => request('POST', `${conversation(id)}/called`, { body });

export const acceptReservation = (id: string): Promise<Conversation> =>
  request('POST', `/v1/reservations/${encodeURIComponent(id)}/accept`);

export const declineReservation = (id: string): Promise<null> =>
  request('POST', `/v1/reservations/${encodeURIComponent(id)}/decline`);

export const uploadMedia = (file: File): Promise<Media> => {
  const form = new FormData();
  form.set('file', file, file.name);
  return request('POST', '/v1/media', { form, patienceMs: 120_000 });
};

export const listTemplates = (
  channel: string,
): Promise<readonly Template[] | { readonly items: readonly Template[] }> =>
  request('GET', `/v1/templates${query({ channel })}`);

export const getContact = (id: string): Promise<Contact> =>
  request('GET', `/v1/contacts/${encodeURIComponent(id)}`);

export const listTitles = (): Promise<{ readonly titles: Titles }> => request('GET', '/v1/titles');
