/** Gets what was said to the service: at once if it can, again when it could not, never twice. */
import * as api from '../../api/desk.ts';
import { asProblem } from '../../api/http.ts';
import type { Message, TemplateChoice } from '../../api/types.ts';
import { freshId } from '../../device/ids.ts';
import { recall, remember } from '../../device/storage.ts';
import * as outbox from '../state/outbox.ts';
import { mayWrite } from '../state/views.ts';
import type { Notices } from './notices.svelte.ts';
import { explain } from './problems.ts';
import type { Store } from './store.svelte.ts';

const LONGEST_CAPTION = 1024;

export interface Said {
  readonly text?: string;
  readonly files?: readonly File[];
  readonly template?: TemplateChoice;
}

export class Sending {
  items = $state.raw<outbox.Outbox>([]);
  readonly files = new Map<string, File>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #settled = new Set<string>();
  #resending = new Map<string, string>();
  readonly #key: string;

  constructor(
    private readonly store: Store,
    private readonly notices: Notices,
  ) {
    this.#key = `outbox.${store.me.workspace.name}.${store.me.person.id}`;
    this.items = outbox.restore(recall(this.#key));
  }

  /** Bytes that would be lost if the page went now. */
  get holdsFiles(): boolean {
    return this.items.some(({ file, media_id }) => file !== null && media_id === null);
  }

  say(conversationId: string, said: Said): void {
    const files = said.files ?? [];
    const text = said.text ?? null;
    // Words go under the first file, as messengers show them, where they fit and may.
    const under = text !== null && text.length <= LONGEST_CAPTION && !files[0]?.type.startsWith('audio/');
    const base = {
      conversation_id: conversationId,
      at: new Date().toISOString(),
      media_id: null,
      template: null,
      state: 'waiting',
      refused: null,
      attempts: 0,
    } as const;
    for (const [index, file] of files.entries()) {
      const id = freshId();
      this.files.set(id, file);
      const { name, type: mime, size } = file;
      const words = index === 0 && under ? text : null;
      this.#change(outbox.put(this.items, { ...base, client_id: id, text: words, file: { name, mime, size } }));
    }
    if (files.length === 0 || (text !== null && !under))
      this.#change(
        outbox.put(this.items, {
          ...base,
          client_id: freshId(),
          text,
          file: null,
          template: said.template ?? null,
        }),
      );
    this.pump();
  }

  /** Post whatever may go now. Called whenever something changes for the better. */
  pump(): void {
    for (const one of outbox.nextUp(this.items)) {
      if (this.#timers.has(one.client_id)) continue;
      void this.#post(one);
    }
  }

  /** The connection is back: nobody rests any longer. */
  wake(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.pump();
  }

  retry(clientId: string): void {
    this.#change(outbox.retryRefused(this.items, clientId));
    this.pump();
  }

  discard(clientId: string): void {
    this.#settle(clientId);
  }

  /** The service holds these: their stand-ins go. */
  reconcile(messages: readonly Message[]): void {
    const left = outbox.reconcile(this.items, messages);
    if (left === this.items) return;
    for (const one of this.items) if (!left.includes(one)) this.#settle(one.client_id);
    this.pump();
  }

  /** A message on the wire failed or hangs unknown, and a person wants it sent anew. */
  async resend(message: Message): Promise<void> {
    const conversation = this.store.conversation(message.conversation_id);
    if (conversation === undefined) return;
    const askedAt = this.store.revision;
    // The same name until it is known to have worked, so that a lost answer sends it once.
    const clientId = this.#resending.get(message.id) ?? freshId();
    this.#resending.set(message.id, clientId);
    try {
      const body = { epoch: conversation.epoch, client_id: clientId };
      const sent = await api.retryMessage(message.conversation_id, message.id, body);
      this.#resending.delete(message.id);
      this.store.learnMessage(sent, askedAt);
    } catch (error) {
      this.notices.say('hot', explain(error));
    }
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #post(one: outbox.Outgoing): Promise<void> {
    const { client_id, conversation_id } = one;
    this.#change(outbox.posting(this.items, client_id));
    try {
      const mediaId = await this.#upload(one);
      const epoch = this.store.conversation(conversation_id)?.epoch ?? (await this.#ask(conversation_id));
      const askedAt = this.store.revision;
      const message = await api.sendMessage(conversation_id, {
        client_id,
        epoch,
        // A template goes alone: its words are kept here only to show what was sent.
        ...(one.text === null || one.template !== null ? {} : { text: one.text }),
        ...(mediaId === null ? {} : { media_id: mediaId }),
        ...(one.template === null ? {} : { template: one.template }),
      });
      this.store.learnMessage(message, askedAt);
      this.#settle(client_id);
    } catch (error) {
      await this.#failed(one, error);
    }
    this.pump();
  }

  async #upload(one: outbox.Outgoing): Promise<string | null> {
    if (one.file === null || one.media_id !== null) return one.media_id;
    const file = this.files.get(one.client_id);
    if (file === undefined) return null;
    const media = await api.uploadMedia(file);
    this.#change(outbox.uploaded(this.items, one.client_id, media.id));
    return media.id;
  }

  async #ask(conversationId: string): Promise<number> {
    const askedAt = this.store.revision;
    const conversation = await api.getConversation(conversationId);
    this.store.learn([conversation], askedAt);
    return conversation.epoch;
  }

  async #failed(one: outbox.Outgoing, error: unknown): Promise<void> {
    const problem = asProblem(error);
    if (problem.status === 401 || problem.passing) {
      this.#again(one, problem.retryAfterMs);
      return;
    }
    // Somebody or something moved the conversation: if it is still in our hands, say it under the new epoch.
    if (problem.code === 'stale_epoch' && one.attempts < 3) {
      await this.#ask(one.conversation_id).catch(() => null);
      const conversation = this.store.conversation(one.conversation_id);
      if (conversation !== undefined && mayWrite(conversation, this.store.me.person.id)) {
        this.#change(outbox.waitAgain(this.items, one.client_id));
        return;
      }
    }
    this.#change(outbox.refuse(this.items, one.client_id, problem.code, problem.detail));
  }

  #again(one: outbox.Outgoing, afterMs: number | null): void {
    this.#change(outbox.waitAgain(this.items, one.client_id));
    const timer = setTimeout(() => {
      this.#timers.delete(one.client_id);
      this.pump();
    }, afterMs ?? outbox.restMs(one.attempts + 1));
    this.#timers.set(one.client_id, timer);
  }

  #settle(clientId: string): void {
    this.#settled.add(clientId);
    this.files.delete(clientId);
    clearTimeout(this.#timers.get(clientId));
    this.#timers.delete(clientId);
    this.#change(outbox.drop(this.items, clientId));
  }

  #change(next: outbox.Outbox): void {
    this.items = next;
    // Another tab of the same person keeps its own there.
    const ours = new Set(next.map(({ client_id }) => client_id));
    const others = outbox
      .restore(recall(this.#key))
      .filter(({ client_id }) => !ours.has(client_id) && !this.#settled.has(client_id));
    const kept = [...others, ...outbox.keepable(next)];
    remember(this.#key, kept.length === 0 ? null : kept);
  }
}
