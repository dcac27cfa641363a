/** One phone, live: what it shows, and what its owner does. */
import { recall, remember } from '../device/storage.ts';
import { speech } from '../i18n/index.svelte.ts';
import type { Call, Chat, Config, Message, News, Person } from './types.ts';
import { say } from './words.ts';
import { digitsOf } from '../i18n/telephone.ts';

type Screen = 'phone' | 'chats';

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 5000;
/** After the goodbye the messenger opens by itself: that is the story. */
const OPENS_AFTER_MS = 1400;

class Phone {
  config = $state<Config | null>(null);
  number = $state('');
  person = $state<Person | null>(null);
  call = $state<Call | null>(null);
  chats = $state<Chat[]>([]);
  screen = $state<Screen>('phone');
  /** The chat on the screen. */
  account = $state<string | null>(null);
  /** The call stays on the screen after its end until it is put away. */
  putAway = $state<string | null>(null);
  banner = $state<{ account: string; name: string; text: string } | null>(null);
  problem = $state<string | null>(null);
  connected = $state(true);

  #socket: WebSocket | null = null;
  #pause = FIRST_PAUSE_MS;
  #bannerTimer = 0;
  #opening = 0;

  /** Load what can be dialled and show the phone that was used last. */
  async begin(): Promise<void> {
    const config = await this.#ask<Config>('GET', '/phone/api/config');
    if (config === null) {
      setTimeout(() => void this.begin(), LONGEST_PAUSE_MS);
      return;
    }
    this.config = config;
    const asked = new URLSearchParams(location.search).get('number');
    const last = recall('phone.number');
    const wanted = asked !== null ? `+${digitsOf(asked)}` : typeof last === 'string' ? last : null;
    this.use(wanted ?? config.numbers[0]?.number ?? '+79005550101');
    document.addEventListener('visibilitychange', () => void this.#look());
  }

  /** Take another phone into the hand. */
  use(number: string): void {
    clearTimeout(this.#opening);
    this.number = number;
    remember('phone.number', number);
    this.person = null;
    this.call = null;
    this.chats = [];
    this.account = null;
    this.banner = null;
    this.screen = 'phone';
    this.#connect();
  }

  get chat(): Chat | null {
    return this.chats.find((chat) => chat.account === this.account) ?? null;
  }

  get unread(): number {
    return this.chats.reduce((sum, chat) => sum + chat.unread, 0);
  }

  /** The call that the screen shows, if any. */
  get shownCall(): Call | null {
    return this.call !== null && this.call.id !== this.putAway ? this.call : null;
  }

  // -- calls -----------------------------------------------------------------------------------

  async dial(line: string, withheld: boolean): Promise<void> {
    clearTimeout(this.#opening);
    const body = { line, language: speech.language, withheld };
    const call = await this.#ask<Call>('POST', `${this.#base}/calls`, body);
    if (call !== null && (this.call === null || this.call.id !== call.id)) this.call = call;
  }

  async press(digit: string): Promise<void> {
    await this.#ask('POST', `${this.#base}/calls/current/keys`, { digit });
  }

  async hangUp(): Promise<void> {
    await this.#ask('POST', `${this.#base}/calls/current/hangup`);
  }

  putCallAway(): void {
    clearTimeout(this.#opening);
    this.putAway = this.call?.id ?? null;
  }

  /** The business whose line was called. */
  chatOf(call: Call): string | null {
    return call.chat_account ?? this.config?.accounts[0]?.account ?? null;
  }

  // -- chats -----------------------------------------------------------------------------------

  show(screen: Screen): void {
    clearTimeout(this.#opening);
    this.screen = screen;
    void this.#look();
  }

  open(account: string | null): void {
    clearTimeout(this.#opening);
    if (account !== null) this.#known(account);
    const before = this.account;
    this.account = account;
    this.screen = 'chats';
    this.banner = null;
    if (before !== null && before !== account) void this.#tellOpen(before, false);
    void this.#look();
  }

  write(text: string): Promise<boolean> {
    return this.#write({ text });
  }

  tap(message: Message, id: string): Promise<boolean> {
    return this.#write({ tap: id, message_id: message.id });
  }

  async sendFile(file: File, caption: string): Promise<boolean> {
    const form = new FormData();
    form.append('caption', caption);
    form.append('file', file, file.name);
    const path = `${this.#base}/chats/${this.account ?? ''}/files`;
    return (await this.#ask('POST', path, form)) !== null;
  }

  async setOnline(online: boolean): Promise<void> {
    await this.#ask('PUT', this.#base, { online });
  }

  // -- inside ----------------------------------------------------------------------------------

  get #base(): string {
    return `/phone/api/numbers/${digitsOf(this.number)}`;
  }

  async #write(body: Record<string, string>): Promise<boolean> {
    const path = `${this.#base}/chats/${this.account ?? ''}/messages`;
    return (await this.#ask('POST', path, body)) !== null;
  }

  async #ask<T>(method: string, path: string, body?: FormData | Record<string, unknown>): Promise<T | null> {
    this.problem = null;
    const json = body !== undefined && !(body instanceof FormData);
    try {
      const answer = await fetch(path, {
        method,
        ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : (body as FormData) }),
        ...(json ? { headers: { 'Content-Type': 'application/json' } } : {}),
      });
      const said = (await answer.json()) as T & { error?: unknown };
      if (answer.ok) return said;
      this.problem = say('failed', { why: typeof said.error === 'string' ? said.error : String(answer.status) });
    } catch {
      this.connected = false;
    }
    return null;
  }

  #connect(): void {
    this.#socket?.close();
    const number = this.number;
    const socket = new WebSocket(
      `${location.origin.replace(/^http/, 'ws')}/phone/live?number=${digitsOf(number)}`,
    );
    this.#socket = socket;
    socket.addEventListener('message', (event) => {
      if (this.#socket === socket) this.#hear(JSON.parse(String(event.data)) as News);
    });
    socket.addEventListener('close', () => {
      if (this.#socket !== socket) return;
      this.connected = false;
      setTimeout(() => {
        if (this.#socket === socket) this.#connect();
      }, this.#pause);
      this.#pause = Math.min(LONGEST_PAUSE_MS, this.#pause * 2);
    });
  }

  #hear(news: News): void {
    switch (news.type) {
      case 'snapshot':
        this.connected = true;
        this.#pause = FIRST_PAUSE_MS;
        this.person = news.phone;
        this.chats = news.chats;
        this.call = news.call;
        // A page that opens on a call long over begins at the dialler.
        if (news.call?.state === 'ended' && this.putAway === null) this.putAway = news.call.id;
        void this.#look();
        break;
      case 'call':
        this.#hearCall(news.call);
        break;
      case 'chat':
        this.#hearChat(news);
        break;
      case 'phone':
        this.person = news.phone;
        break;
      case 'reset':
        this.chats = [];
        this.call = null;
        this.account = null;
        break;
    }
  }

  #hearCall(call: Call): void {
    const ending = call.state === 'ended' && this.call?.state !== 'ended';
    this.call = call;
    if (!ending || call.outcome !== 'hangup') return;
    const account = this.chatOf(call);
    this.#opening = window.setTimeout(() => {
      this.putAway = call.id;
      if (account !== null) this.open(account);
    }, OPENS_AFTER_MS);
  }

  #hearChat(news: Extract<News, { type: 'chat' }>): void {
    const chat = this.#known(news.chat.account);
    Object.assign(chat, news.chat);
    const message = news.message;
    if (message === undefined) return;
    const at = chat.messages.findIndex((one) => one.id === message.id);
    if (at >= 0) {
      chat.messages[at] = message;
      return;
    }
    chat.messages.push(message);
    const watching = this.screen === 'chats' && this.account === chat.account;
    if (!message.mine && !watching) this.#ring(chat, message);
  }

  #ring(chat: Chat, message: Message): void {
    clearTimeout(this.#bannerTimer);
    this.banner = { account: chat.account, name: chat.name, text: message.text ?? say('picture') };
    this.#bannerTimer = window.setTimeout(() => (this.banner = null), 6000);
  }

  #known(account: string): Chat {
    let chat = this.chats.find((one) => one.account === account);
    if (chat === undefined) {
      const name = this.config?.accounts.find((one) => one.account === account)?.name ?? account;
      this.chats.push({ account, name, display_number: '', unread: 0, open: false, typing: false, messages: [] });
      chat = this.chats.at(-1) as Chat;
    }
    return chat;
  }

  /** The chat in front of the person's eyes is open for the network too. */
  async #look(): Promise<void> {
    const account = this.account;
    if (account === null) return;
    await this.#tellOpen(account, this.screen === 'chats' && document.visibilityState === 'visible');
  }

  async #tellOpen(account: string, open: boolean): Promise<void> {
    await this.#ask('POST', `${this.#base}/chats/${account}/open`, { open, while_shown: true });
  }
}

export const phone = new Phone();
