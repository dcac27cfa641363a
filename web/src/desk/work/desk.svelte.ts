/** The desk of one signed-in person: the live connection, what is on the screen, and what they do. */
import { SvelteSet } from 'svelte/reactivity';
import * as api from '../../api/desk.ts';
import { asProblem } from '../../api/http.ts';
import type { Change, Conversation, Declared, Frame, Me, Reservation } from '../../api/types.ts';
import { clock } from '../../device/clock.svelte.ts';
import { time } from '../../i18n/format.ts';
import { t } from '../../i18n/index.svelte.ts';
import { session } from '../../session/session.svelte.ts';
import { browserSocket, LiveSocket, type Link } from '../live/socket.ts';
import { Attachments } from './attachments.svelte.ts';
import { chime } from './chime.ts';
import { Closings } from './closing.svelte.ts';
import { Contacts } from './contacts.svelte.ts';
import { Drafts } from './drafts.svelte.ts';
import { Lists } from './lists.svelte.ts';
import { nameOf } from './names.ts';
import { Notices } from './notices.svelte.ts';
import { explain } from './problems.ts';
import { Sending } from './sending.svelte.ts';
import { settings } from './settings.svelte.ts';
import { Store } from './store.svelte.ts';
import { Threads } from './threads.svelte.ts';
import { titles } from './titles.svelte.ts';

export class Desk {
  readonly notices = new Notices();
  readonly contacts = new Contacts();
  readonly attachments = new Attachments();
  readonly store: Store;
  readonly lists: Lists;
  readonly sending: Sending;
  readonly threads: Threads;
  readonly closings: Closings;
  readonly drafts: Drafts;
  readonly #socket: LiveSocket;
  /** Given away by this person's own hand. */
  readonly #given = new Set<string>();

  /** Shown as taken, but not confirmed yet: what needs its newest version waits for it. */
  readonly accepting = new SvelteSet<string>();
  /** Offers that this person answered, while the service has not said what it makes of that. */
  readonly #answering = new SvelteSet<string>();

  link = $state.raw<Link>({ state: 'connecting' });
  selected = $state<string | null>(null);

  constructor(readonly me: Me) {
    this.store = new Store(me);
    this.lists = new Lists(this.store);
    this.sending = new Sending(this.store, this.notices);
    this.threads = new Threads(this.store, this.sending);
    this.closings = new Closings(this.store, this.notices);
    this.drafts = new Drafts(me.workspace.name, me.person.id);
    this.#socket = new LiveSocket(browserSocket, {
      hear: (frame) => this.#hear(frame),
      link: (link) => (this.link = link),
      cursor: () => this.store.state.cursor,
      refused: () => void session.recheck(),
    });
  }

  /** Connect; the returned function ends everything that this began. */
  begin(): () => void {
    this.#socket.start();
    const online = (): void => this.#socket.nudge();
    const offline = (): void => this.#socket.cut();
    const leaving = (): void => this.closings.flush();
    const staying = (event: BeforeUnloadEvent): void => {
      if (this.sending.holdsFiles || this.attachments.any) event.preventDefault();
    };
    const looking = (): void => {
      if (document.visibilityState === 'visible') this.#socket.nudge();
    };
    window.addEventListener('online', online);
    window.addEventListener('offline', offline);
    window.addEventListener('pagehide', leaving);
    window.addEventListener('beforeunload', staying);
    document.addEventListener('visibilitychange', looking);
    return () => {
      this.closings.flush();
      this.sending.stop();
      this.#socket.stop();
      window.removeEventListener('online', online);
      window.removeEventListener('offline', offline);
      window.removeEventListener('pagehide', leaving);
      window.removeEventListener('beforeunload', staying);
      document.removeEventListener('visibilitychange', looking);
    };
  }

  current: Conversation | null = $derived.by(() => {
    if (this.selected === null) return null;
    return this.store.state.conversations.get(this.selected) ?? null;
  });

  /** Held out to this person, the one that runs out first on top. */
  offers: readonly Reservation[] = $derived.by(() =>
    [...this.store.state.reservations.values()]
      .filter(({ id, expires_at }) => !this.#answering.has(id) && Date.parse(expires_at) > clock.now)
      .sort((one, other) => Date.parse(one.expires_at) - Date.parse(other.expires_at)),
  );

  reconnect(): void {
    this.#socket.nudge();
  }

  open(id: string | null): void {
    this.selected = id;
    this.#socket.view(id);
    if (id === null) return;
    void this.threads.read(id);
    const rows = this.lists.rows;
    const at = rows.findIndex((row) => row.id === id);
    for (const neighbour of [rows[at + 1], rows[at - 1]])
      if (at >= 0 && neighbour !== undefined) void this.threads.read(neighbour.id);
  }

  /** The row `step` further, for keys that move through the list. */
  neighbour(step: 1 | -1): Conversation | null {
    const { rows } = this.lists;
    const at = rows.findIndex(({ id }) => id === this.selected);
    if (at < 0) return rows[step === 1 ? 0 : rows.length - 1] ?? null;
    return rows[at + step] ?? null;
  }

  async declare(declared: Declared): Promise<void> {
    const { presence } = this.store.state;
    if (presence === null) return;
    this.store.apply([{ kind: 'presence', presence: { ...presence, declared, not_responding: false } }]);
    try {
      this.store.apply([{ kind: 'presence', presence: await api.declare(declared) }]);
    } catch (error) {
      this.store.apply([{ kind: 'presence', presence }]);
      this.notices.say('hot', explain(error));
    }
  }

  async accept(offer: Reservation): Promise<void> {
    const { conversation } = offer;
    const { id: me, name } = this.me.person;
    this.#answering.add(offer.id);
    const askedAt = this.store.revision;
    this.store.learn([conversation], askedAt);
    const { state, operator } = this.store.conversation(conversation.id) ?? conversation;
    this.store.foresee(conversation.id, { state: 'active', operator: { id: me, name } });
    this.lists.show('mine');
    this.open(conversation.id);
    this.accepting.add(conversation.id);
    try {
      const accepted = await api.acceptReservation(offer.id);
      this.store.dropReservation(offer.id);
      // The answer is the newest there is: it follows from our own step.
      this.store.apply([{ kind: 'conversation', conversation: accepted }]);
      this.sending.wake();
    } catch (error) {
      this.#notAnswered(offer, error);
      // Not ours, as far as anybody knows, unless the service has told of it meanwhile.
      if (!this.store.changedSince(conversation.id, askedAt))
        this.store.foresee(conversation.id, { state, operator });
      await this.#refresh(conversation.id);
    } finally {
      this.accepting.delete(conversation.id);
      this.#answering.delete(offer.id);
    }
  }

  async decline(offer: Reservation): Promise<void> {
    this.#answering.add(offer.id);
    try {
      await api.declineReservation(offer.id);
      this.store.dropReservation(offer.id);
    } catch (error) {
      this.#notAnswered(offer, error);
    } finally {
      this.#answering.delete(offer.id);
    }
  }

  close(conversation: Conversation): void {
    this.closings.begin(conversation, nameOf(conversation));
  }

  async transfer(conversation: Conversation, queueId: string, reason: string): Promise<boolean> {
    const { id, epoch } = conversation;
    const askedAt = this.store.revision;
    try {
      this.#given.add(id);
      const answer = await api.transfer(id, { epoch, queue_id: queueId, ...(reason ? { reason } : {}) });
      this.store.learnAnswer(answer, askedAt);
      const queue = this.store.state.queues.find((one) => one.id === queueId);
      const words = { name: nameOf(conversation), queue: queue?.title ?? '' };
      this.notices.say('good', t('transfer.done', words));
      return true;
    } catch (error) {
      this.#given.delete(id);
      this.notices.say('hot', explain(error));
      return false;
    }
  }

  /** The customer is to be called at the place they had; the chat ends. */
  async returnToVoice(conversation: Conversation): Promise<boolean> {
    try {
      this.#given.add(conversation.id);
      await api.returnToVoice(conversation.id, conversation.epoch);
      this.notices.say('good', t('return.done', { name: nameOf(conversation) }));
      return true;
    } catch (error) {
      this.#given.delete(conversation.id);
      this.notices.say('hot', explain(error));
      return false;
    }
  }

  /** How calling a customer back went. */
  async calledBack(conversation: Conversation, answered: boolean): Promise<void> {
    const { id, epoch } = conversation;
    try {
      if (!answered) this.#given.add(id);
      const told = await api.calledBack(id, { epoch, answered });
      this.store.apply([{ kind: 'conversation', conversation: told }]);
      const again = told.call?.next_try_at;
      if (!answered)
        this.notices.say('plain', again ? t('callback.again', { at: time(again) }) : t('callback.over'));
    } catch (error) {
      this.#given.delete(id);
      this.notices.say('hot', explain(error));
    }
  }

  #hear(frame: Frame): void {
    switch (frame.type) {
      case 'welcome':
        clock.hear(frame.server_now);
        if (frame.resumed) {
          // The cursor moves with the changes that follow: a connection lost before them must ask again.
          this.store.apply([{ kind: 'presence', presence: frame.presence }]);
        } else {
          this.store.snapshot(frame);
          void titles.read();
          this.lists.restart();
          this.#announce(frame.reservations);
          if (this.selected !== null) void this.#refresh(this.selected);
        }
        this.sending.wake();
        return;
      case 'changes':
        this.#change(frame.items, frame.cursor);
        return;
      case 'signed_out':
        session.ended();
        return;
      case 'ping':
        return;
    }
  }

  #change(items: readonly Change[], cursor: string): void {
    this.store.apply(items, cursor);
    this.sending.reconcile(items.flatMap((item) => (item.kind === 'message' ? [item.message] : [])));
    this.#announce(items.flatMap((item) => (item.kind === 'reservation' ? [item.reservation] : [])));
    this.closings.watch();
    const threads = new Set(
      items.flatMap((item) => {
        if (item.kind === 'message') return [item.conversation_id];
        return item.kind === 'conversation' ? [item.conversation.id] : [];
      }),
    );
    for (const id of threads) if (this.store.state.threads.has(id)) void this.threads.fill(id);
    for (const item of items) {
      if (item.kind === 'reservation_gone' && item.reason === 'timed_out')
        this.notices.say('warm', t('offer.timed_out'));
      if (item.kind === 'conversation_gone' && item.id === this.selected) {
        // After an own transfer its line says enough.
        if (!this.#given.delete(item.id)) this.notices.say('plain', t('thread.left'));
        this.open(null);
      }
    }
  }

  #announce(offers: readonly Reservation[]): void {
    for (const { conversation, server_now } of offers) {
      clock.hear(server_now);
      // Accepting must show the thread at once.
      this.store.learn([conversation], this.store.revision);
      void this.threads.read(conversation.id);
    }
    if (offers.length > 0 && settings.sound) chime();
  }

  /** What the service refused is over; what it did not hear is still held out, and may be answered again. */
  #notAnswered(offer: Reservation, error: unknown): void {
    if (!asProblem(error).passing) this.store.dropReservation(offer.id);
    this.#answering.delete(offer.id);
    this.notices.say('warm', explain(error));
  }

  async #refresh(id: string): Promise<void> {
    const askedAt = this.store.revision;
    try {
      this.store.learn([await api.getConversation(id)], askedAt);
    } catch (error) {
      this.notices.say('warm', explain(error));
      return;
    }
    await this.threads.read(id);
  }
}
