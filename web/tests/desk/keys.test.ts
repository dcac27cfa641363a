import { describe, expect, test } from 'vitest';
import { ACTIONS, actionFor, capsOf, combinationOf, DEFAULT_KEYS, readKeys } from '../../src/desk/keys/keys.ts';

const press = (code: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}) => ({
  code,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

describe('keys', () => {
  test('are places, not letters: no layout is asked', () => {
    expect(actionFor(press('KeyJ'), false, DEFAULT_KEYS)).toBe('next');
    expect(actionFor(press('Slash', { shiftKey: true }), false, DEFAULT_KEYS)).toBe('help');
  });

  test('do nothing while somebody writes, except those held with Ctrl or Alt', () => {
    expect(actionFor(press('KeyE'), true, DEFAULT_KEYS)).toBeNull();
    expect(actionFor(press('Enter'), true, DEFAULT_KEYS)).toBeNull();
    expect(actionFor(press('Slash', { shiftKey: true }), true, DEFAULT_KEYS)).toBeNull();
    expect(actionFor(press('Enter', { altKey: true }), true, DEFAULT_KEYS)).toBe('accept');
    expect(actionFor(press('NumpadEnter', { altKey: true }), true, DEFAULT_KEYS)).toBe('accept');
    expect(actionFor(press('KeyK', { metaKey: true }), true, DEFAULT_KEYS)).toBe('palette');
  });

  test('nobody accepts an offer by finishing a sentence', () => {
    for (const held of [{}, { shiftKey: true }, { ctrlKey: true }])
      expect(actionFor(press('Enter', held), true, DEFAULT_KEYS)).not.toBe('accept');
  });

  test('a modifier alone is none', () => {
    expect(combinationOf(press('ShiftLeft', { shiftKey: true }))).toBeNull();
  });

  test('each has one meaning as they come', () => {
    expect(new Set(Object.values(DEFAULT_KEYS)).size).toBe(ACTIONS.length);
  });

  test('changed ones are read back, nonsense is not', () => {
    expect(readKeys({ next: 'KeyN', close: 7, other: 'KeyX' })).toEqual({ ...DEFAULT_KEYS, next: 'KeyN' });
    expect(readKeys('x')).toBe(DEFAULT_KEYS);
  });

  test('are drawn as their caps', () => {
    expect(capsOf('Alt+Enter', false)).toEqual(['Alt', '↵']);
    expect(capsOf('Ctrl+KeyK', true)).toEqual(['⌘', 'K']);
  });
});
