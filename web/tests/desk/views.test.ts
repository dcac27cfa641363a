import { describe, expect, test } from 'vitest';
import { isFailed, mayRetry, wasResent } from '../../src/desk/state/thread.ts';
import { mayWrite, rowsOf, tabOf, warmth, windowOf } from '../../src/desk/state/views.ts';
import { conversation, message } from './making.ts';

const ME = 'pe_me';
const at = (minute: number): string => `2026-01-01T10:${String(minute).padStart(2, '0')}:00.000Z`;
const ids = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);

describe('the list', () => {
  test('puts each conversation in one place', () => {
    expect(tabOf(conversation('a'), ME)).toBe('mine');
    expect(tabOf(conversation('a', { state: 'wrapup' }), ME)).toBe('mine');
    expect(tabOf(conversation('a', { operator: { id: 'pe_2', name: 'Igor' } }), ME)).toBeNull();
    expect(tabOf(conversation('a', { state: 'queued', operator: null }), ME)).toBe('waiting');
    expect(tabOf(conversation('a', { state: 'reserved' }), ME)).toBe('waiting');
    expect(tabOf(conversation('a', { state: 'abandoned', operator: null }), ME)).toBe('closed');
    expect(tabOf(conversation('a', { state: 'bot', operator: null }), ME)).toBeNull();
  });

  test('keeps the places of mine while messages come', () => {
    const [a, b] = [conversation('a', { enqueued_at: at(1) }), conversation('b', { enqueued_at: at(2) })];
    const last = { text: 'hi', author: 'customer' as const, at: at(30) };
    expect(ids(rowsOf([b, a], 'mine', ME))).toEqual(['a', 'b']);
    expect(ids(rowsOf([{ ...b, unread: 3, last }, a], 'mine', ME))).toEqual(['a', 'b']);
  });

  test('orders who waits as the queue does: a step of priority is worth a minute', () => {
    const waiting = (id: string, minute: number, priority: number) =>
      conversation(id, { state: 'queued', operator: null, enqueued_at: at(minute), priority });
    const rows = rowsOf([waiting('old', 1, 0), waiting('urgent', 3, 3), waiting('new', 4, 0)], 'waiting', ME);
    expect(ids(rows)).toEqual(['urgent', 'old', 'new']);
  });

  test('shows the closed ones newest first', () => {
    const closed = (id: string, minute: number) => conversation(id, { state: 'closed', closed_at: at(minute) });
    expect(ids(rowsOf([closed('a', 1), closed('b', 5)], 'closed', ME))).toEqual(['b', 'a']);
  });
});

test('one writes only into an own conversation in which the customer is there', () => {
  expect(mayWrite(conversation('a'), ME)).toBe(true);
  expect(mayWrite(conversation('a', { state: 'waiting_customer' }), ME)).toBe(true);
  expect(mayWrite(conversation('a', { state: 'wrapup' }), ME)).toBe(false);
  expect(mayWrite(conversation('a'), 'pe_2')).toBe(false);
});

test('waiting warms as the promise nears', () => {
  expect([0, 89, 90, 179, 180].map((seconds) => warmth(seconds, 180))).toEqual([
    'calm',
    'calm',
    'warm',
    'warm',
    'hot',
  ]);
});

describe('the window', () => {
  const now = Date.parse(at(0));
  const until = (window_until: string | null, kind = 'whatsapp') =>
    windowOf(conversation('a', { window_until, channel: { kind, name: '' } }), now);

  test('is open until its last second', () => {
    expect(until(at(1))).toEqual({ kind: 'open', until: at(1), leftS: 60 });
    expect(until(at(0))).toEqual({ kind: 'closed' });
    expect(until(null)).toEqual({ kind: 'never' });
  });

  test('is nothing on channels without one, or where it never ends', () => {
    expect(until(null, 'telegram')).toEqual({ kind: 'free' });
    expect(until('9999-12-30T23:59:59.999Z')).toEqual({ kind: 'free' });
  });
});

test('a failure is one until it was delivered all the same, and only what went out is sent anew', () => {
  const failed = { code: 'transient', text: null };
  const out = (state: 'sent' | 'delivered' | 'unknown', with_failure: boolean) =>
    message(1, { direction: 'out', author: { kind: 'operator', id: 'pe_me', name: 'Me' }, delivery: { state, failed: with_failure ? failed : null, at: null } });
  expect(isFailed(out('sent', true))).toBe(true);
  expect(isFailed(out('delivered', true))).toBe(false);
  expect(mayRetry(out('unknown', false))).toBe(true);
  expect(mayRetry(out('sent', false))).toBe(false);
  expect(mayRetry(message(1))).toBe(false);
});

test('what went out again later is not asked about twice', () => {
  const out = (seq: number, text: string) => message(seq, { direction: 'out', text });
  expect(wasResent(out(1, 'a'), [out(1, 'a'), out(2, 'b'), out(3, 'a')])).toBe(true);
  expect(wasResent(out(3, 'a'), [out(1, 'a'), out(3, 'a'), message(4, { text: 'a' })])).toBe(false);
});
