import { describe, expect, it } from 'vitest';
import { fieldOf, fresh, newKey, same, words, type Schema } from '../../src/admin/form/schema.ts';

const root: Schema = {
  $defs: {
    Hours: { type: 'object', properties: { from: { type: 'string' }, to: { type: 'string', default: '18:00' } } },
    Confirm: { enum: ['accepted', 'sent'], type: 'string' },
  },
};
const kind = (schema: Schema): string => fieldOf(schema, root).control.kind;

describe('the control of a schema', () => {
  it('is chosen by its type', () => {
    expect(kind({ type: 'boolean' })).toBe('switch');
    expect(kind({ type: 'integer' })).toBe('number');
    expect(kind({ $ref: '#/$defs/Confirm' })).toBe('choice');
    expect(kind({ type: 'array', items: { type: 'string' } })).toBe('words');
    expect(kind({ type: 'array', items: { $ref: '#/$defs/Hours' } })).toBe('list');
    expect(kind({ $ref: '#/$defs/Hours' })).toBe('group');
    expect(kind({ type: 'object', additionalProperties: { type: 'string' } })).toBe('record');
    expect(kind({ type: 'object', patternProperties: { '^[a-z]{2}$': { type: 'string' } } })).toBe('record');
    expect(kind({ type: 'object' })).toBe('raw');
  });

  it('knows what may be left out, and keeps its limits', () => {
    const field = fieldOf({ anyOf: [{ type: 'integer', minimum: 500 }, { type: 'null' }] }, root);
    expect(field.optional).toBe(true);
    expect(field.control).toEqual({ kind: 'number', whole: true, min: 500 });
    expect(fieldOf({ type: 'integer' }, root).optional).toBe(false);
  });

  it('follows a reference that may be left out', () => {
    const field = fieldOf({ anyOf: [{ $ref: '#/$defs/Hours' }, { type: 'null' }], default: null }, root);
    expect([field.control.kind, field.optional]).toEqual(['group', true]);
  });
});

describe('what is added begins as', () => {
  it('its defaults, and the emptiest thing where there is none', () => {
    expect(fresh({ $ref: '#/$defs/Hours' }, root)).toEqual({ from: '', to: '18:00' });
    expect(fresh({ $ref: '#/$defs/Confirm' }, root)).toBe('accepted');
    expect(fresh({ anyOf: [{ type: 'string' }, { type: 'null' }] }, root)).toBe(null);
  });

  it('a key that is free, a wished one first', () => {
    expect(newKey({ ru: '' }, ['ru', 'en'])).toBe('en');
    expect(newKey({ ru: '', en: '' }, ['ru', 'en'])).toBe('new_3');
    expect(newKey({ new_2: '' }, [])).toBe('new_3');
  });
});

it('a list is read one a line: commas belong to the words', () => {
  expect(words(' {topic|well, you know} \n\n b ')).toEqual(['{topic|well, you know}', 'b']);
});

it('documents are equal whatever the order of their members', () => {
  expect(same({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true);
  expect(same({ a: 1 }, { a: 1, b: null })).toBe(false);
  expect(same([1, 2], [2, 1])).toBe(false);
  expect(same([], {})).toBe(false);
});
