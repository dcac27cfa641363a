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
/** A search that finds little goes on by itself through so many of the service's stretches. */
const SEARCH_STRETCHES = 5;
const SEARCH_ENOUGH = 20;

interface Found {
  readonly ids: readonly string[];
  readonly cursor: string | null;
  readonly busy: boolean;
}

export class Lists {
  tab = $state<Tab>('mine');
  sought = $state('');
  #found = $state.raw<Found | null>(null);
  #paging = $state.raw<Readonly<Record<Tab, Paging>>>({ mine: FRESH, waiting: FRESH, closed: FRESH });
  #searchTimer: ReturnType<typeof setTimeout> | undefined;
  #search: AbortController | null = null;

  constructor(private readonly store: Store) {}

  rows: readonly Conversation[] = $derived.by(() => {
    const { conversations } = this.store.state;
    const all = rowsOf(conversations.values(), this.tab, this.store.me.person.id);
    const found = this.#found;
    return found === null ? all : all.filter(({ id }) => found.ids.includes(id));
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

  /** More can be asked for, and nobody is asking. */
  get goesOn(): boolean {
    const { asked, busy, cursor, trouble } = this.paging;
    if (trouble !== null) return false;
    if (this.sought.trim() === '') return asked && !busy && cursor !== null;
    return this.#found !== null && !this.#found.busy && this.#found.cursor !== null;
  }

  /** A search is on its way, or has not looked through everything yet. */
  get searching(): boolean {
    return this.sought.trim() !== '' && (this.#found === null || this.#found.busy);
  }

  /** The next page of what is shown: of the list, or of what was searched for. */
  further(): Promise<void> {
    return this.sought.trim() === '' ? this.more() : this.#find(this.sought.trim());
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
    this.#searchTimer = setTimeout(() => {
      this.#found = null;
      void this.#find(words.trim());
    }, SEARCH_REST_MS);
  }

  /** The service looks through a long stretch at a time, so a page without a match need not be the last. */
  async #find(words: string): Promise<void> {
    const search = new AbortController();
    this.#search = search;
    const { tab } = this;
    let { ids, cursor }: Pick<Found, 'ids' | 'cursor'> = this.#found ?? { ids: [], cursor: null };
    const before = ids.length;
    if (this.#found !== null) this.#found = { ids, cursor, busy: true };
    this.#note(tab, { trouble: null });
    try {
      for (let stretch = 0; stretch < SEARCH_STRETCHES; stretch += 1) {
        const askedAt = this.store.revision;
        const page = await api.listConversations(tab, { q: words, cursor, signal: search.signal });
        if (search.signal.aborted) return;
        this.store.learn(page.items, askedAt);
        ids = [...ids, ...page.items.map(({ id }) => id)];
        cursor = page.next_cursor;
        const enough = cursor === null || ids.length - before >= SEARCH_ENOUGH;
        this.#found = { ids, cursor, busy: !enough && stretch + 1 < SEARCH_STRETCHES };
        if (enough) return;
      }
    } catch (error) {
      if (search.signal.aborted) return;
      this.#found = { ids, cursor, busy: false };
      this.#note(tab, { trouble: asProblem(error) });
    }
  }

  #note(tab: Tab, change: Partial<Paging>): void {
    this.#paging = { ...this.#paging, [tab]: { ...this.#paging[tab], ...change } };
  }
}
