import { describe, expect, test } from 'vitest';
import * as outbox from '../../src/desk/state/outbox.ts';
import { message } from './making.ts';

const one = (id: string, more: Partial<outbox.Outgoing> = {}): outbox.Outgoing => ({
  client_id: id,
  conversation_id: 'cv_1',
  at: '2026-01-01T10:00:00.000Z',
  text: id,
  file: null,
  media_id: null,
  template: null,
  state: 'waiting',
  refused: null,
  attempts: 0,
  ...more,
});
const ids = (box: outbox.Outbox): string[] => box.map(({ client_id }) => client_id);

describe('the outbox', () => {
  test('posts one message of a conversation after the other, and conversations side by side', () => {
    const box = [one('a'), one('b'), one('c', { conversation_id: 'cv_2' })];
    expect(ids(outbox.nextUp(box))).toEqual(['a', 'c']);
    expect(ids(outbox.nextUp(outbox.posting(box, 'a')))).toEqual(['c']);
    expect(ids(outbox.nextUp(outbox.drop(box, 'a')))).toEqual(['b', 'c']);
  });

  test('holds nobody up behind a refused message', () => {
    const box = outbox.refuse([one('a'), one('b')], 'a', 'window_closed', '');
    expect(ids(outbox.nextUp(box))).toEqual(['b']);
    expect(ids(outbox.nextUp(outbox.retryRefused(box, 'a')))).toEqual(['a']);
  });

  test('takes the same message once', () => {
    expect(outbox.put([one('a')], one('a'))).toHaveLength(1);
  });

  test('waits with the same client_id when nobody answered, longer each time', () => {
    const box = outbox.waitAgain(outbox.posting([one('a')], 'a'), 'a');
    expect(box[0]).toMatchObject({ client_id: 'a', state: 'waiting', attempts: 1 });
    expect([1, 2, 3, 9].map(outbox.restMs)).toEqual([1000, 2000, 4000, 30_000]);
  });

  test('lets go of what the service holds, and only of that', () => {
    const box = [one('a'), one('b')];
    expect(ids(outbox.reconcile(box, [message(1, { client_id: 'a' }), message(2)]))).toEqual(['b']);
    expect(outbox.reconcile(box, [message(2)])).toBe(box);
  });

  test('outlives the page, except for bytes that only the page had', () => {
    const file = { name: 'x.png', mime: 'image/png', size: 1 };
    const box = [one('a', { state: 'posting' }), one('b', { file }), one('c', { file, media_id: 'md_1' })];
    const kept: unknown = JSON.parse(JSON.stringify(outbox.keepable(box)));
    expect(outbox.restore(kept).map(({ client_id, state }) => [client_id, state])).toEqual([
      ['a', 'waiting'],
      ['c', 'waiting'],
    ]);
  });

  test('restores nothing from what is not its own', () => {
    expect(outbox.restore(null)).toEqual([]);
    expect(outbox.restore('x')).toEqual([]);
    expect(outbox.restore([null, 7, { client_id: 'a' }])).toEqual([]);
  });
});
