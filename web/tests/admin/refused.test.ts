import { expect, test } from 'vitest';
import { whereIn, worded } from '../../src/admin/form/refused.ts';

test.each([
  ['String should have at least 1 character', 'fill this in'],
  ['Tuple should have at least 1 item after validation, not 0', 'fill this in'],
  ['Field required', 'fill this in'],
  ["String should match pattern '^[A-Z]{2}$'", 'this is not of the right form; see the note at the field'],
  ['Input should be greater than or equal to 500', 'at least 500'],
  ['Input should be less than or equal to 12000', 'at most 12,000'],
  ["'call_to_chat' takes 1 values.", "'call_to_chat' takes 1 values."],
  ["Value error, 'XX' is no ISO 3166 country", "'XX' is no ISO 3166 country"],
])('%s', (message, words) => expect(worded(message)).toBe(words));

test.each([
  ['title', 'Title'],
  ['consent.prompt_version', 'Consent › Version of the prompt'],
  ['opening.ru', 'First message › ru'],
  ['terms.rescue.by', 'Rescue of a stranded caller › By'],
  ['terms.channels.1.text', 'Channels by priority › 2 › First message'],
])('%s is called %s', (path, words) => expect(whereIn(path)).toBe(words));
