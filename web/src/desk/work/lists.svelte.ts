/** The list's tabs: what came live, and the pages asked for when somebody looks further or searches. */
import * as api from '../../api/desk.ts';
import { asProblem, type Problem } from '../../api/http.ts';
import type { Conversation } from '../../api/types.ts';
import { rowsOf, type Tab } from '../state/views.ts';
import type { Store } from './store.svelte.ts';

interface Paging {
  readonly asked: boolean;
  readonly busy: boolean;
  readonly cursor: string | null;
  readonly trouble: Problem | null;
}

const FRESH: Paging = { asked: false, busy: false, cursor: null, trouble: null };
const SEARCH_REST_MS = 200;

export class Lists {
  tab = $state<Tab>('mine');
  sought = $state('');
  #found = $state.raw<readonly string[] | null>(null);
  #paging = $state.raw<Readonly<Record<Tab, Paging>>>({ mine: FRESH, waiting: FRESH, closed: FRESH });
  #searchTimer: ReturnType<typeof setTimeout> | undefined;
  #search: AbortController | null = null;

  constructor(private readonly store: Store) {}

  rows: readonly Conversation[] = $derived.by(() => {
    const { conversations } = this.store.state;
    const all = rowsOf(conversations.values(), this.tab, this.store.me.person.id);
    const found = this.#found;
    return found === null ? all : all.filter(({ id }) => found.includes(id));
  });

  #mine: readonly Conversation[] = $derived.by(() =>
    rowsOf(this.store.state.conversations.values(), 'mine', this.store.me.person.id),
  );
  mineCount: number = $derived(this.#mine.length);
  /** Conversations of this person in which somebody waits to be read. */
  unread: number = $derived(this.#mine.filter((one) => one.unread > 0).length);

  /** What the queues say, since not every waiting conversation need be on this page. */
  waitingCount: number = $derived.by(() =>
    Math.max(
      this.store.state.queues.reduce((sum, queue) => sum + queue.waiting, 0),
      rowsOf(this.store.state.conversations.values(), 'waiting', this.store.me.person.id).length,
    ),
  );

  get paging(): Paging {
    return this.#paging[this.tab];
  }

  show(tab: Tab): void {
    this.tab = tab;
    this.seek('');
    if (!this.#paging[tab].asked) void this.more(tab);
  }

  /** A snapshot replaced everything: pages begin anew. */
  restart(): void {
    this.#paging = { mine: FRESH, waiting: FRESH, closed: FRESH };
    void this.more(this.tab);
  }

  async more(tab: Tab = this.tab): Promise<void> {
    const { busy, asked, cursor } = this.#paging[tab];
    if (busy || (asked && cursor === null)) return;
    this.#note(tab, { busy: true, trouble: null });
    const askedAt = this.store.revision;
    try {
      const page = await api.listConversations(tab, { cursor });
      this.store.learn(page.items, askedAt);
      this.#note(tab, { asked: true, busy: false, cursor: page.next_cursor });
    } catch (error) {
      this.#note(tab, { busy: false, trouble: asProblem(error) });
    }
  }

  seek(words: string): void {
    this.sought = words;
    clearTimeout(this.#searchTimer);
    this.#search?.abort();
    if (words.trim() === '') {
      this.#found = null;
      return;
    }
    this.#searchTimer = setTimeout(() => void this.#find(words.trim()), SEARCH_REST_MS);
  }

  async #find(words: string): Promise<void> {
    const search = new AbortController();
    this.#search = search;
    const askedAt = this.store.revision;
    try {
      const page = await api.listConversations(this.tab, { q: words, signal: search.signal });
      this.store.learn(page.items, askedAt);
      this.#found = page.items.map(({ id }) => id);
    } catch (error) {
      if (!search.signal.aborted) this.#note(this.tab, { trouble: asProblem(error) });
    }
  }

  #note(tab: Tab, change: Partial<Paging>): void {
    this.#paging = { ...this.#paging, [tab]: { ...this.#paging[tab], ...change } };
  }
}
