/** The live connection: says hello with the last cursor, answers pings, and comes back by itself. */
import type { Frame } from '../../api/types.ts';

export const SILENCE_MS = 40_000;
const DOUBT_MS = 20_000;
const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 15_000;
/** A handshake that takes longer than this will not come. */
const HANDSHAKE_MS = 10_000;

/** The part of WebSocket that is used here. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly since: number; readonly nextAt: number };

export interface Ear {
  /** A frame to apply, in the order sent. */
  hear(frame: Frame): void;
  link(link: Link): void;
  cursor(): string | null;
  /** The handshake failed: perhaps the session is over. */
  refused(): void;
}

/** Rest before attempt `n` (from 0), with the chance's share in 0–1: not all desks come back at once. */
export function restBefore(attempt: number, chance: number): number {
  const full = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** attempt);
  return Math.round(full * (0.5 + chance / 2));
}

function frameOf(data: unknown): Frame | null {
  if (typeof data !== 'string') return null;
  try {
    const frame = JSON.parse(data) as { type?: unknown };
    return typeof frame.type === 'string' ? (frame as Frame) : null;
  } catch {
    return null;
  }
}

export class LiveSocket {
  #socket: Socket | null = null;
  #running = false;
  #welcomed = false;
  #attempt = 0;
  #lostSince: number | null = null;
  #heardAt = 0;
  #viewing: string | null = null;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly open: () => Socket,
    private readonly ear: Ear,
    private readonly chance: () => number = Math.random,
  ) {}

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#rest);
    this.#abandon();
  }

  /** Try at once: the network is back, or the person asks. */
  nudge(): void {
    if (!this.#running) return;
    // After a sleep a socket may look alive that is not: pings come every 15 s.
    const quiet = Date.now() - this.#heardAt > DOUBT_MS;
    if (this.#socket !== null && !quiet) return;
    this.#abandon();
    clearTimeout(this.#rest);
    this.#connect();
  }

  /** The device has no network: a socket may look alive for long after that. */
  cut(): void {
    if (this.#running && this.#socket !== null) this.#lost();
  }

  /** Tell colleagues which conversation is on the screen. */
  view(id: string | null): void {
    if (this.#viewing === id) return;
    this.#viewing = id;
    this.#sayViewing();
  }

  #connect(): void {
    this.#welcomed = false;
    if (this.#lostSince === null) this.ear.link({ state: 'connecting' });
    let socket: Socket;
    try {
      socket = this.open();
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    this.#heardAt = Date.now();
    this.#watch(HANDSHAKE_MS);
    socket.onopen = () => this.#say({ type: 'hello', since: this.ear.cursor() });
    socket.onclose = () => {
      if (this.#socket === socket) this.#lost();
    };
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#heard(event.data);
    };
  }

  #heard(data: unknown): void {
    this.#heardAt = Date.now();
    this.#watch(SILENCE_MS);
    const frame = frameOf(data);
    if (frame === null) return;
    if (frame.type === 'ping') {
      this.#say({ type: 'pong' });
      return;
    }
    this.ear.hear(frame);
    if (frame.type === 'welcome') {
      this.#welcomed = true;
      this.#attempt = 0;
      this.#lostSince = null;
      this.ear.link({ state: 'live' });
      this.#sayViewing();
    }
    if (frame.type === 'signed_out') this.stop();
  }

  #lost(): void {
    const neverIn = !this.#welcomed;
    this.#abandon();
    if (!this.#running) return;
    this.#lostSince ??= Date.now();
    const rest = restBefore(this.#attempt, this.chance());
    this.#attempt += 1;
    this.ear.link({ state: 'lost', since: this.#lostSince, nextAt: Date.now() + rest });
    this.#rest = setTimeout(() => this.#connect(), rest);
    if (neverIn) this.ear.refused();
  }

  #abandon(): void {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #watch(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), ms);
  }

  #sayViewing(): void {
    if (this.#welcomed) this.#say({ type: 'viewing', conversation_id: this.#viewing });
  }

  #say(frame: object): void {
    try {
      this.#socket?.send(JSON.stringify(frame));
    } catch {
      this.#lost();
    }
  }
}

/** A browser's socket to this page's own origin. */
export function browserSocket(): Socket {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return new WebSocket(`${scheme}//${location.host}/v1/desk/live`) as unknown as Socket;
}
