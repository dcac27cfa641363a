import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Conversation, Me, Reservation } from '../../src/api/types.ts';
import { clock } from '../../src/device/clock.svelte.ts';
import { Desk } from '../../src/desk/work/desk.svelte.ts';
import { conversation, PRESENCE, QUEUE, reservation, snapshot } from './making.ts';

const ME: Me = {
  person: { id: 'pe_me', name: 'Me', email: 'me@example.test' },
  workspace: { name: 'w', title: 'W', timezone: 'UTC', accent: null, languages: ['en'] },
  roles: ['operator'],
  queues: [QUEUE],
  presence: PRESENCE,
  rights: ['desk'],
};
const HELD_OUT = conversation('cv_1', { state: 'reserved', operator: null });
const OFFER = reservation('rs_1', HELD_OUT);
const TAKEN: Conversation = conversation('cv_1', { state: 'active', epoch: 2 });

/** A desk that holds one offer, and a service that answers to it so. */
function deskWith(answer: () => Response | Promise<Response>): Desk {
  vi.stubGlobal('fetch', async (address: string, { method }: RequestInit) => {
    if (method === 'POST') return answer();
    if (address.includes('/messages')) return Response.json({ items: [], has_more: false });
    return Response.json(HELD_OUT);
  });
  const desk = new Desk(ME);
  desk.store.snapshot(snapshot({ conversations: [HELD_OUT], reservations: [OFFER] }));
  return desk;
}

const held = (desk: Desk): Conversation | undefined => desk.store.conversation('cv_1');
const ids = (offers: readonly Reservation[]): string[] => offers.map(({ id }) => id);
const busy = (): Response => Response.json({ code: 'database_unavailable' }, { status: 503 });
const late = (): Response => Response.json({ code: 'reservation_over' }, { status: 409 });

beforeEach(() => {
  vi.useFakeTimers();
  clock.hear(OFFER.server_now);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('an offer that was accepted', () => {
  test('is gone at once and theirs with the answer', async () => {
    const desk = deskWith(() => Response.json(TAKEN));
    const answered = desk.accept(OFFER);
    expect(ids(desk.offers)).toEqual([]);
    expect(held(desk)?.state).toBe('active');
    await answered;
    expect(ids(desk.offers)).toEqual([]);
    expect(held(desk)).toEqual(TAKEN);
  });

  test('is held out again when the service could not be asked', async () => {
    const desk = deskWith(busy);
    await desk.accept(OFFER);
    expect(ids(desk.offers)).toEqual(['rs_1']);
    expect(held(desk)).toEqual(HELD_OUT);
  });

  test('is held out again when nothing at all is answered, and nothing foreseen stays', async () => {
    const desk = deskWith(busy);
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('offline')));
    await desk.accept(OFFER);
    expect(ids(desk.offers)).toEqual(['rs_1']);
    expect(held(desk)).toEqual(HELD_OUT);
  });

  test('is over when the service refused', async () => {
    const desk = deskWith(late);
    await desk.accept(OFFER);
    expect(ids(desk.offers)).toEqual([]);
    expect(held(desk)).toEqual(HELD_OUT);
  });

  test('stays theirs when the answer was lost and the live connection told', async () => {
    const desk = deskWith(() => {
      desk.store.apply([
        { kind: 'conversation', conversation: TAKEN },
        { kind: 'reservation_gone', id: 'rs_1', conversation_id: 'cv_1', reason: 'accepted' },
      ]);
      return busy();
    });
    await desk.accept(OFFER);
    expect(ids(desk.offers)).toEqual([]);
    expect(held(desk)).toEqual(TAKEN);
  });
});

describe('an offer that was declined', () => {
  test('is gone, and back when the service could not be asked', async () => {
    const desk = deskWith(() => new Response(null, { status: 204 }));
    await desk.decline(OFFER);
    expect(ids(desk.offers)).toEqual([]);
    const again = deskWith(busy);
    await again.decline(OFFER);
    expect(ids(again.offers)).toEqual(['rs_1']);
  });
});
