import { afterEach, expect, test } from 'vitest';
import { speech } from '../../src/i18n/index.svelte.ts';
import { because } from '../../src/phone/words.ts';

afterEach(() => {
  speech.language = 'en';
});

test('why a caller stays is said in words, in the page’s language', () => {
  expect(because('not_on_channel')).toBe('Reason, not spoken: not on the messenger');
  expect(because('no_answer')).toBe('Reason, not spoken: the service did not answer in time');
  expect(because('of_tomorrow')).toBe('Reason, not spoken: of_tomorrow');
  speech.language = 'ru';
  expect(because('not_on_channel')).toBe('Причина, вслух не говорится: нет в мессенджере');
});
