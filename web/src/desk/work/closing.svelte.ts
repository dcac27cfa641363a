/** Closing shows at once and leaves after five seconds, so that it can be taken back. */
import * as api from '../../api/desk.ts';
import { asProblem } from '../../api/http.ts';
import type { Conversation } from '../../api/types.ts';
import { t } from '../../i18n/index.svelte.ts';
import type { Notices } from './notices.svelte.ts';
import { explain } from './problems.ts';
import type { Store } from './store.svelte.ts';

export const UNDO_MS = 5_000;

export interface Closing {
  readonly id: string;
  readonly name: string;
  readonly until: number;
  /** What the customer had said when the operator decided. */
  readonly seq: number;
}

export class Closings {
  pending = $state.raw<readonly Closing[]>([]);
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(
    private readonly store: Store,
    private readonly notices: Notices,
  ) {}

  has(id: string): boolean {
    return this.pending.some((one) => one.id === id);
  }

  begin(conversation: Conversation, name: string): void {
    const { id, last_seq: seq } = conversation;
    if (this.has(id)) return;
    this.pending = [...this.pending, { id, name, seq, until: Date.now() + UNDO_MS }];
    this.#timers.set(id, setTimeout(() => void this.#leave(id, false), UNDO_MS));
  }

  undo(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.pending = this.pending.filter((one) => one.id !== id);
  }

  /** A customer who writes while the conversation is being closed has not finished. */
  watch(): void {
    for (const { id, seq, name } of this.pending) {
      const conversation = this.store.conversation(id);
      const wrote = conversation?.last?.author === 'customer' && conversation.last_seq > seq;
      if (!wrote) continue;
      this.undo(id);
      this.notices.say('warm', t('close.customer_wrote', { name }));
    }
  }

  /** The page is going: what was decided leaves now, and outlives it. */
  flush(): void {
    for (const { id } of this.pending) void this.#leave(id, true);
  }

  async endWrapup(conversation: Conversation): Promise<void> {
    const askedAt = this.store.revision;
    try {
      const answer = await api.endWrapup(conversation.id, conversation.epoch);
      this.store.learnAnswer(answer, askedAt);
    } catch (error) {
      this.notices.say('hot', explain(error));
    }
  }

  async #leave(id: string, keepalive: boolean): Promise<void> {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    const conversation = this.store.conversation(id);
    if (conversation === undefined) {
      this.undo(id);
      return;
    }
    const askedAt = this.store.revision;
    try {
      const answer = await api.closeConversation(id, { epoch: conversation.epoch }, keepalive);
      this.store.learnAnswer(answer, askedAt);
      this.pending = this.pending.filter((one) => one.id !== id);
    } catch (error) {
      if (asProblem(error).passing && !keepalive) {
        // Closing twice is refused as stale, so asking again is safe.
        this.#timers.set(id, setTimeout(() => void this.#leave(id, false), UNDO_MS));
        return;
      }
      this.undo(id);
      this.notices.say('hot', explain(error));
    }
  }
}
