import { expect, test } from 'vitest';
import { addressWords, spoken } from '../../src/i18n/telephone.ts';

test.each([
  ['+78002500000', '+7 800 250-00-00'],
  ['+14155552671', '+1 415 555 2671'],
  ['+79…01', '+79…01'],
  ['Anna', 'Anna'],
  ['sip:anna@example.test', 'sip:anna@example.test'],
])('%s is read as %s', (number, words) => expect(spoken(number)).toBe(words));

test.each([
  ['wa_id', '79161230001', '+7 916 123-00-01'],
  ['phone', '+79161230001', '+7 916 123-00-01'],
  ['wa_id', '792…01', '792…01'],
  ['telegram', '79161230001', '79161230001'],
])('an address of kind %s, %s, is read as %s', (kind, value, words) =>
  expect(addressWords(kind, value)).toBe(words));
