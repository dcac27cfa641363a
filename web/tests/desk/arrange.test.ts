import { expect, test } from 'vitest';
import type { Message } from '../../src/api/types.ts';
import { filled } from '../../src/desk/composer/templates.ts';
import { arrange, pieces } from '../../src/desk/thread/arrange.ts';
import { message } from './making.ts';

const day = (at: string): number => Number(at.slice(8, 10));

test('a day begins once, a speaker is named at the start and after a pause', () => {
  const placed = arrange(
    [
      message(1, { at: '2026-01-01T23:58:00.000Z' }),
      message(2, { at: '2026-01-01T23:59:00.000Z' }),
      message(3, { at: '2026-01-02T00:00:00.000Z' }),
      message(4, { at: '2026-01-02T00:10:00.000Z' }),
      message(5, { at: '2026-01-02T00:10:05.000Z', direction: 'out', author: { kind: 'bot', id: null, name: null } }),
    ],
    day,
  );
  expect(placed.map(({ newDay }) => newDay)).toEqual([true, false, true, false, false]);
  expect(placed.map(({ first }) => first)).toEqual([true, false, true, true, true]);
});

test('events that only repeat each other are one line, with the last one\'s time', () => {
  const event = (seq: number, code: string, day = 1): Message =>
    message(seq, { type: 'event', at: `2026-01-0${day}T10:0${seq}:00.000Z`, event: { code, params: {} } });
  const placed = arrange(
    [event(1, 'returned'), event(2, 'returned'), event(3, 'accepted'), event(4, 'returned'), message(5), event(6, 'returned', 2), event(7, 'returned', 2)],
    day,
    ({ event }) => event?.code ?? null,
  );
  expect(placed.map(({ message, times }) => [message.seq, times])).toEqual([[2, 2], [3, 1], [4, 1], [5, 1], [7, 2]]);
  expect(placed.map(({ newDay }) => newDay)).toEqual([true, false, false, false, true]);
});

test('web addresses are set apart without the sentence around them, and nothing else is', () => {
  expect(pieces('See https://a.test/x?y=1, please (http://b.test).')).toEqual([
    { text: 'See ', href: null },
    { text: 'https://a.test/x?y=1', href: 'https://a.test/x?y=1' },
    { text: ', please (', href: null },
    { text: 'http://b.test', href: 'http://b.test' },
    { text: ').', href: null },
  ]);
  expect(pieces('javascript:alert(1) <a href="x">')).toEqual([
    { text: 'javascript:alert(1) <a href="x">', href: null },
  ]);
});

test('a template is filled by place or name, and shows what is still missing', () => {
  const template = { body: 'Hello {{1}}, order {{order}} {{3}}', parameters: ['name', 'order'] };
  expect(filled(template, ['Anna', 'R-1'])).toBe('Hello Anna, order R-1 {{3}}');
  expect(filled(template, ['', 'R-1'])).toBe('Hello {{1}}, order R-1 {{3}}');
});
