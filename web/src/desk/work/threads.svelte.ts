/** Reads threads: the one on the screen, its neighbours ahead of time, and whatever is missing between. */
import * as api from '../../api/desk.ts';
import { asProblem, type Problem } from '../../api/http.ts';
import { gapAfter } from '../state/thread.ts';
import { isOver } from '../state/views.ts';
import type { Sending } from './sending.svelte.ts';
import type { Store } from './store.svelte.ts';

const PAGE = 60;
const TYPING_EVERY_MS = 4_000;

export class Threads {
  troubles = $state.raw<ReadonlyMap<string, Problem>>(new Map());
  #reading = new Set<string>();
  #earlier = new Set<string>();
  #readUpTo = new Map<string, number>();
  #typedAt = 0;

  constructor(
    private readonly store: Store,
    private readonly sending: Sending,
  ) {}

  /** Make sure that this thread's newest page is here. */
  async read(id: string): Promise<void> {
    if (this.#reading.has(id)) return;
    const held = this.store.state.threads.get(id);
    if (held?.loaded && !held.stale) return;
    this.#reading.add(id);
    try {
      const conversation = this.store.conversation(id) ?? (await this.#ask(id));
      this.store.expectThread(id);
      const askedAt = this.store.revision;
      const page = await api.getMessages(id, { before_seq: conversation.last_seq + 1, limit: PAGE });
      this.store.learnMessages(id, page.items, { askedAt, hasEarlier: page.has_more, newest: true });
      this.sending.reconcile(page.items);
      this.#trouble(id, null);
    } catch (error) {
      this.#trouble(id, asProblem(error));
    } finally {
      this.#reading.delete(id);
    }
    await this.fill(id);
  }

  async readEarlier(id: string): Promise<void> {
    const thread = this.store.state.threads.get(id);
    const first = thread?.messages[0];
    if (!thread?.hasEarlier || first === undefined || this.#earlier.has(id)) return;
    this.#earlier.add(id);
    const askedAt = this.store.revision;
    try {
      const page = await api.getMessages(id, { before_seq: first.seq, limit: PAGE });
      this.store.learnMessages(id, page.items, { askedAt, hasEarlier: page.has_more });
    } catch (error) {
      this.#trouble(id, asProblem(error));
    } finally {
      this.#earlier.delete(id);
    }
  }

  /** Messages are numbered without gaps, so a hole is seen and read. */
  async fill(id: string): Promise<void> {
    const thread = this.store.state.threads.get(id);
    const after = thread && gapAfter(thread, this.store.conversation(id)?.last_seq ?? 0);
    if (after === null || after === undefined || this.#reading.has(id)) return;
    this.#reading.add(id);
    const askedAt = this.store.revision;
    let found = 0;
    try {
      const page = await api.getMessages(id, { after_seq: after, limit: 100 });
      found = page.items.length;
      this.store.learnMessages(id, page.items, { askedAt });
      this.sending.reconcile(page.items);
    } catch (error) {
      this.#trouble(id, asProblem(error));
    } finally {
      this.#reading.delete(id);
    }
    if (found > 0) await this.fill(id);
  }

  /** The person has seen everything so far; the customer's ticks follow. */
  async seen(id: string): Promise<void> {
    const conversation = this.store.conversation(id);
    if (conversation === undefined || isOver(conversation)) return;
    // What is only held out is looked at: the customer is not told that somebody has read it.
    if (conversation.operator?.id !== this.store.me.person.id || conversation.state === 'reserved') return;
    const seq = conversation.last_seq;
    if ((this.#readUpTo.get(id) ?? 0) >= seq || conversation.unread === 0) return;
    this.#readUpTo.set(id, seq);
    this.store.foresee(id, { unread: 0 });
    try {
      await api.markRead(id, seq);
    } catch {
      // Said again with the next message or visit; until then the service's count stands.
      this.#readUpTo.delete(id);
    }
  }

  /** At most one hint every few seconds; a lost one costs nothing. */
  typing(id: string): void {
    const now = Date.now();
    if (now - this.#typedAt < TYPING_EVERY_MS) return;
    this.#typedAt = now;
    api.tellTyping(id).catch(() => (this.#typedAt = 0));
  }

  forget(id: string): void {
    this.#trouble(id, null);
  }

  async #ask(id: string): Promise<{ readonly last_seq: number }> {
    const askedAt = this.store.revision;
    const conversation = await api.getConversation(id);
    this.store.learn([conversation], askedAt);
    return conversation;
  }

  #trouble(id: string, problem: Problem | null): void {
    const troubles = new Map(this.troubles);
    if (problem === null) troubles.delete(id);
    else troubles.set(id, problem);
    this.troubles = troubles;
  }
}
