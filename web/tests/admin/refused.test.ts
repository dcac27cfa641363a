import { afterEach, expect, test } from 'vitest';
import { whereIn, worded } from '../../src/admin/form/refused.ts';
import { problemsOf } from '../../src/admin/lines.svelte.ts';
import { Problem } from '../../src/api/http.ts';
import { speech } from '../../src/i18n/index.svelte.ts';

afterEach(() => {
  speech.language = 'en';
});

test.each([
  ['string_too_short', { min_length: 1 }, 'fill this in', 'заполните'],
  ['too_short', { min_length: 1 }, 'fill this in', 'заполните'],
  ['missing', {}, 'fill this in', 'заполните'],
  ['greater_than_equal', { ge: 500 }, 'at least 500', 'не меньше 500'],
  ['less_than_equal', { le: 12000 }, 'at most 12,000', 'не больше 12\u00a0000'],
  ['int_from_float', {}, 'this must be a whole number', 'здесь нужно целое число'],
  ['values_wrong', { template: 'call', n: 1 }, '“call” takes 1 value', 'у «call» 1 место для значения'],
  ['link_missing', { language: 'ru', link: '{link}' }, 'ru: without {link} the text leads nowhere', 'ru: без {link} текст никуда не ведёт'],
])('%s', (code, facts, en, ru) => {
  const refused = { code, facts: facts as Record<string, string | number>, message: 'In English' };
  expect(worded(refused)).toBe(en);
  speech.language = 'ru';
  expect(worded(refused)).toBe(ru);
});

test('what has no words of ours is said as the service says it', () => {
  expect(worded({ code: 'of_tomorrow', facts: {}, message: 'Value error, no such thing' })).toBe('no such thing');
});

test('refusals are found by their field, those of an older service too', () => {
  const errors = [
    { path: 'line.flow', message: 'There is no flow.', code: 'flow_unknown', facts: { name: 'f' } },
    { path: 'line.title', message: 'Too long' },
    { message: 'without a place' },
  ];
  const refusal = new Problem(400, 'invalid_request', '', { errors });
  expect(problemsOf(refusal)).toEqual({
    flow: { message: 'There is no flow.', code: 'flow_unknown', facts: { name: 'f' } },
    title: { message: 'Too long', code: '', facts: {} },
  });
});

test.each([
  ['title', 'Title'],
  ['consent.prompt_version', 'Consent › Version of the prompt'],
  ['opening.ru', 'First message › ru'],
  ['terms.rescue.by', 'Rescue of a stranded caller › By'],
  ['terms.channels.1.text', 'Channels by priority › 2 › First message'],
])('%s is called %s', (path, words) => expect(whereIn(path)).toBe(words));
