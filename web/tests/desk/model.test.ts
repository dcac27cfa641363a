import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/api/types.ts';
import {
  applyChanges,
  applySnapshot,
  dropReservation,
  EMPTY,
  expectThread,
  learnConversations,
  learnMessage,
  learnMessages,
  type DeskState,
} from '../../src/desk/state/model.ts';
import { gapAfter, type Thread } from '../../src/desk/state/thread.ts';
import { conversation, message, PRESENCE, QUEUE, reservation, snapshot } from './making.ts';

const seqs = (state: DeskState, id = 'cv_1'): number[] =>
  state.threads.get(id)?.messages.map(({ seq }) => seq) ?? [];
const live = (...items: Change[]): readonly Change[] => items;
const said = (seq: number, more = {}): Change => ({
  kind: 'message',
  conversation_id: 'cv_1',
  message: message(seq, more),
});

/** What a person can see of it, without the bookkeeping. */
const seen = ({ conversations, threads, reservations, queues, presence }: DeskState): unknown => ({
  conversations: [...conversations],
  threads: [...threads].map(([id, thread]) => [id, thread.messages]),
  reservations: [...reservations],
  queues,
  presence,
});

const OPEN = expectThread(EMPTY, 'cv_1');

describe('changes', () => {
  const batch = live(
    { kind: 'conversation', conversation: conversation('cv_1', { unread: 2 }) },
    said(1),
    said(2),
    { kind: 'reservation', reservation: reservation('rs_1', conversation('cv_2')) },
    { kind: 'presence', presence: { ...PRESENCE, load: 1 } },
    { kind: 'queue', queue: { ...QUEUE, waiting: 4 } },
    { kind: 'viewers', conversation_id: 'cv_1', viewers: [{ id: 'pe_2', name: 'Igor', typing: true }] },
  );

  test('applied twice show what they show applied once', () => {
    const once = applyChanges(OPEN, batch, '5');
    expect(seen(applyChanges(once, batch, '5'))).toEqual(seen(once));
    expect(once.cursor).toBe('5');
    expect(once.queues.map(({ waiting }) => waiting)).toEqual([4]);
    expect(once.conversations.get('cv_1')?.viewers[0]?.typing).toBe(true);
  });

  test('leave the state before them as it was', () => {
    const before = applyChanges(OPEN, live(said(1)));
    applyChanges(before, live(said(2), { kind: 'conversation_gone', id: 'cv_1' }));
    expect(seqs(before)).toEqual([1]);
  });

  test('a conversation that is gone takes its thread along', () => {
    const gone = applyChanges(applyChanges(OPEN, batch), live({ kind: 'conversation_gone', id: 'cv_1' }));
    expect(gone.conversations.has('cv_1')).toBe(false);
    expect(gone.threads.has('cv_1')).toBe(false);
  });

  test('a reservation that is gone is held no more, also when it was dropped here first', () => {
    const item: Change = { kind: 'reservation_gone', id: 'rs_1', conversation_id: 'cv_2', reason: 'accepted' };
    const held = applyChanges(OPEN, batch);
    expect(applyChanges(held, live(item)).reservations.size).toBe(0);
    expect(applyChanges(dropReservation(held, 'rs_1'), live(item)).reservations.size).toBe(0);
  });

  test('viewers of a conversation that is not in sight are nobody', () => {
    const state = applyChanges(EMPTY, live({ kind: 'viewers', conversation_id: 'cv_9', viewers: [] }));
    expect(state.conversations.size).toBe(0);
  });
});

describe('messages', () => {
  test('stand in order however they come, each once', () => {
    expect(seqs(applyChanges(OPEN, live(said(3), said(1), said(2), said(3))))).toEqual([1, 2, 3]);
  });

  test('of a thread that nobody opened are left for when somebody does', () => {
    expect(applyChanges(EMPTY, live(said(1))).threads.size).toBe(0);
  });

  test('that came live while a page was on its way outlast the older page', () => {
    const asked = OPEN.revision;
    const delivered = { delivery: { state: 'delivered' as const, failed: null, at: null } };
    const now = applyChanges(OPEN, live(said(2, delivered)));
    const queued = { delivery: { state: 'queued' as const, failed: null, at: null } };
    const state = learnMessages(now, 'cv_1', [message(1), message(2, queued)], {
      askedAt: asked,
      hasEarlier: false,
      newest: true,
    });
    expect(seqs(state)).toEqual([1, 2]);
    expect(state.threads.get('cv_1')?.messages[1]?.delivery?.state).toBe('delivered');
  });

  test('an answer to a post never undoes a status that overtook it', () => {
    const delivered = { delivery: { state: 'delivered' as const, failed: null, at: null } };
    const now = applyChanges(OPEN, live(said(1, delivered)));
    const answer = message(1, { delivery: { state: 'queued', failed: null, at: null } });
    expect(learnMessage(now, answer, OPEN.revision).threads.get('cv_1')?.messages[0]?.delivery?.state).toBe(
      'delivered',
    );
    expect(learnMessage(EMPTY, answer, 0).threads.size).toBe(0);
  });

  const loaded = (numbers: number[]): Thread =>
    learnMessages(OPEN, 'cv_1', numbers.map((seq) => message(seq)), {
      askedAt: 0,
      hasEarlier: true,
      newest: true,
    }).threads.get('cv_1') as Thread;

  test('show where one is missing', () => {
    expect(gapAfter(loaded([4, 5, 6]), 6)).toBeNull();
    expect(gapAfter(loaded([4, 6]), 6)).toBe(4);
    expect(gapAfter(loaded([4, 5]), 7)).toBe(5);
    expect(gapAfter(loaded([]), 2)).toBe(0);
  });
});

describe('a snapshot', () => {
  const held = learnMessages(
    applyChanges(OPEN, live({ kind: 'conversation', conversation: conversation('cv_1') }, said(1), said(2))),
    'cv_1',
    [message(1), message(2)],
    { askedAt: 0, hasEarlier: false, newest: true },
  );
  const fresh = applySnapshot(held, snapshot({ conversations: [conversation('cv_2')] }));

  test('throws away what was held', () => {
    expect([...fresh.conversations.keys()]).toEqual(['cv_2']);
    expect(fresh.reservations.size).toBe(0);
    expect(fresh.cursor).toBe('9');
  });

  test('leaves the thread on the screen until it is read anew, then replaces it', () => {
    expect(seqs(fresh)).toEqual([1, 2]);
    expect(gapAfter(fresh.threads.get('cv_1') as Thread, 9)).toBeNull();
    const again = learnMessages(fresh, 'cv_1', [message(8), message(9)], {
      askedAt: fresh.revision,
      hasEarlier: true,
      newest: true,
    });
    expect(seqs(again)).toEqual([8, 9]);
    expect(again.threads.get('cv_1')?.hasEarlier).toBe(true);
  });

  test('keeps what came live between it and the page', () => {
    const spoken = applyChanges(fresh, live(said(10)));
    const again = learnMessages(spoken, 'cv_1', [message(8), message(9)], {
      askedAt: fresh.revision,
      hasEarlier: true,
      newest: true,
    });
    expect(seqs(again)).toEqual([8, 9, 10]);
  });
});

describe('conversations that REST told', () => {
  const now = applyChanges(EMPTY, live({ kind: 'conversation', conversation: conversation('cv_1', { epoch: 4 }) }));

  test('do not undo a live change that came after the question', () => {
    const late = learnConversations(now, [conversation('cv_1', { epoch: 3 })], 0);
    expect(late.conversations.get('cv_1')?.epoch).toBe(4);
  });

  test('nor an older epoch a newer one, whenever it was asked for', () => {
    const late = learnConversations(now, [conversation('cv_1', { epoch: 3 })], now.revision);
    expect(late.conversations.get('cv_1')?.epoch).toBe(4);
  });

  test('are learnt otherwise', () => {
    const state = learnConversations(now, [conversation('cv_1', { epoch: 5 }), conversation('cv_7')], now.revision);
    expect(state.conversations.get('cv_1')?.epoch).toBe(5);
    expect(state.conversations.has('cv_7')).toBe(true);
  });
});
