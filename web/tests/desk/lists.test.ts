import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Conversation, Me } from '../../src/api/types.ts';
import { Lists } from '../../src/desk/work/lists.svelte.ts';
import { Store } from '../../src/desk/work/store.svelte.ts';
import { conversation, PRESENCE, QUEUE } from './making.ts';

const ME: Me = {
  person: { id: 'pe_me', name: 'Me', email: 'me@example.test' },
  workspace: { name: 'w', title: 'W', timezone: 'UTC', accent: null, languages: ['en'] },
  roles: ['operator'],
  queues: [QUEUE],
  presence: PRESENCE,
  rights: ['desk'],
};

const waiting = (n: number): Conversation =>
  conversation(`cv_${n}`, { state: 'queued', operator: null, priority: -n });

/** A service whose list has these pages; a cursor is the number of the next one. */
function serve(pages: readonly (readonly Conversation[])[]): URLSearchParams[] {
  const asked: URLSearchParams[] = [];
  vi.stubGlobal('fetch', async (address: string) => {
    const query = new URL(address, 'http://desk.test').searchParams;
    asked.push(query);
    const at = Number(query.get('cursor') ?? 0);
    const next_cursor = at + 1 < pages.length ? String(at + 1) : null;
    return Response.json({ items: pages[at] ?? [], next_cursor });
  });
  return asked;
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the list of what waits', () => {
  test('goes on past pages that bring nothing new, to the last', async () => {
    const known = [waiting(1), waiting(2)];
    const store = new Store(ME);
    store.learn(known, 0);
    const lists = new Lists(store);
    serve([known, [waiting(3)]]);
    lists.show('waiting');
    await vi.waitUntil(() => lists.goesOn);
    expect(lists.rows.length).toBe(2);
    await lists.further();
    expect(lists.rows.map(({ id }) => id)).toEqual(['cv_1', 'cv_2', 'cv_3']);
    expect(lists.goesOn).toBe(false);
  });
});

describe('search', () => {
  test('looks through stretches without a match, then leaves going on to the person', async () => {
    const lists = new Lists(new Store(ME));
    lists.tab = 'waiting';
    const asked = serve([...Array.from({ length: 7 }, () => []), [waiting(9)]]);
    lists.seek('bear');
    await vi.advanceTimersByTimeAsync(250);
    expect(asked.map((query) => query.get('cursor'))).toEqual([null, '1', '2', '3', '4']);
    expect(lists.rows).toEqual([]);
    expect([lists.goesOn, lists.searching]).toEqual([true, false]);
    await lists.further();
    expect(lists.rows.map(({ id }) => id)).toEqual(['cv_9']);
    expect(lists.goesOn).toBe(false);
  });

  test('does not ask a service in trouble again and again', async () => {
    const lists = new Lists(new Store(ME));
    vi.stubGlobal('fetch', async () => Response.json({ code: 'x', detail: '' }, { status: 503 }));
    lists.seek('bear');
    await vi.advanceTimersByTimeAsync(250);
    expect(lists.paging.trouble?.status).toBe(503);
    expect(lists.goesOn).toBe(false);
  });
});
