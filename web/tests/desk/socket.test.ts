import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Frame } from '../../src/api/types.ts';
import { LiveSocket, restBefore, SILENCE_MS, type Link, type Socket } from '../../src/desk/live/socket.ts';

/** The far end of a WebSocket, in the test's hands. */
class Wire implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: unknown[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
  }
  say(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const WELCOME = { type: 'welcome', resumed: true, cursor: '7', server_now: '2026-01-01T10:00:00.000Z', presence: {} };

function desk() {
  const wires: Wire[] = [];
  const heard: Frame[] = [];
  const links: Link['state'][] = [];
  let refusals = 0;
  let cursor: string | null = null;
  const socket = new LiveSocket(
    () => {
      const wire = new Wire();
      wires.push(wire);
      return wire;
    },
    {
      hear: (frame) => {
        heard.push(frame);
        if (frame.type === 'changes') cursor = frame.cursor;
      },
      link: (link) => links.push(link.state),
      cursor: () => cursor,
      refused: () => (refusals += 1),
    },
    () => 1,
  );
  const last = (): Wire => wires.at(-1) as Wire;
  const enter = (): Wire => {
    last().onopen?.();
    last().say(WELCOME);
    return last();
  };
  return { socket, wires, heard, links, last, enter, refusals: () => refusals };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('the live connection', () => {
  test('says hello first, with nothing seen, and is live once it is welcome', () => {
    const { socket, last, links, enter } = desk();
    socket.start();
    expect(links).toEqual(['connecting']);
    last().onopen?.();
    expect(last().sent).toEqual([{ type: 'hello', since: null }]);
    expect(links).toEqual(['connecting']);
    enter();
    expect(links).toEqual(['connecting', 'live']);
  });

  test('answers pings', () => {
    const { socket, enter } = desk();
    socket.start();
    const wire = enter();
    wire.say({ type: 'ping' });
    expect(wire.sent.at(-1)).toEqual({ type: 'pong' });
  });

  test('comes back by itself and asks for what it missed', () => {
    const { socket, wires, last, links, enter } = desk();
    socket.start();
    const wire = enter();
    wire.say({ type: 'changes', cursor: '12', items: [] });
    wire.onclose?.();
    expect(links.at(-1)).toBe('lost');
    vi.advanceTimersByTime(500);
    expect(wires).toHaveLength(2);
    last().onopen?.();
    expect(last().sent[0]).toEqual({ type: 'hello', since: '12' });
  });

  test('takes silence for a loss', () => {
    const { socket, wires, links, enter } = desk();
    socket.start();
    const wire = enter();
    vi.advanceTimersByTime(SILENCE_MS - 1);
    expect(links.at(-1)).toBe('live');
    wire.say({ type: 'ping' });
    vi.advanceTimersByTime(SILENCE_MS);
    expect(links.at(-1)).toBe('lost');
    expect(wire.closed).toBe(true);
    vi.advanceTimersByTime(500);
    expect(wires).toHaveLength(2);
  });

  test('rests longer after each failure, and asks whether the session still stands', () => {
    const { socket, wires, last, refusals } = desk();
    socket.start();
    for (const [failures, rest] of [500, 1000, 2000].entries()) {
      last().onclose?.();
      expect(refusals()).toBe(failures + 1);
      vi.advanceTimersByTime(rest - 1);
      expect(wires).toHaveLength(failures + 1);
      vi.advanceTimersByTime(1);
      expect(wires).toHaveLength(failures + 2);
    }
  });

  test('tries at once when nudged', () => {
    const { socket, wires, last } = desk();
    socket.start();
    last().onclose?.();
    socket.nudge();
    expect(wires).toHaveLength(2);
    vi.advanceTimersByTime(5_000);
    expect(wires).toHaveLength(2);
  });

  test('a nudge leaves a talking connection alone, and doubts one that has been quiet', () => {
    const { socket, wires, enter, last } = desk();
    socket.start();
    const wire = enter();
    socket.nudge();
    expect(wires).toHaveLength(1);
    vi.advanceTimersByTime(25_000);
    socket.nudge();
    expect(wires).toHaveLength(2);
    expect(wire.closed).toBe(true);
    last().onopen?.();
    expect(last().sent[0]).toEqual({ type: 'hello', since: null });
  });

  test('says at once that the network is gone, and comes back by itself', () => {
    const { socket, wires, enter } = desk();
    socket.start();
    const wire = enter();
    socket.cut();
    expect(wire.closed).toBe(true);
    vi.advanceTimersByTime(500);
    expect(wires).toHaveLength(2);
  });

  test('tells which conversation is on the screen, again after coming back', () => {
    const { socket, enter, last } = desk();
    socket.start();
    socket.view('cv_1');
    expect(enter().sent.at(-1)).toEqual({ type: 'viewing', conversation_id: 'cv_1' });
    last().onclose?.();
    vi.advanceTimersByTime(500);
    expect(enter().sent.at(-1)).toEqual({ type: 'viewing', conversation_id: 'cv_1' });
    socket.view(null);
    expect(last().sent.at(-1)).toEqual({ type: 'viewing', conversation_id: null });
  });

  test('stops when the session ends', () => {
    const { socket, wires, heard, enter } = desk();
    socket.start();
    const wire = enter();
    wire.say({ type: 'signed_out' });
    expect(heard.at(-1)).toEqual({ type: 'signed_out' });
    vi.advanceTimersByTime(120_000);
    expect(wires).toHaveLength(1);
    expect(wire.closed).toBe(true);
  });

  test('hears nothing that is no frame', () => {
    const { socket, heard, enter } = desk();
    socket.start();
    const wire = enter();
    wire.onmessage?.({ data: '{' });
    wire.onmessage?.({ data: new ArrayBuffer(1) });
    wire.onmessage?.({ data: '"words"' });
    expect(heard).toHaveLength(1);
  });
});

test('desks that lost the same service do not come back in the same moment', () => {
  expect(restBefore(0, 0)).toBe(250);
  expect(restBefore(0, 1)).toBe(500);
  expect(restBefore(20, 1)).toBe(15_000);
});
