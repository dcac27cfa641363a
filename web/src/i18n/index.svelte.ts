/** The person's language and the words in it; switching needs no reload. */
import { recall, remember } from '../device/storage.ts';
import { phrase, type Filling, type Forms, type Key, type PlainKey } from './catalogue.ts';
import { en } from './en/index.ts';
import { ru } from './ru/index.ts';

export type { Key, PlainKey } from './catalogue.ts';

export type Language = 'en' | 'ru';
export const LANGUAGES: readonly { readonly value: Language; readonly title: string }[] = [
  { value: 'en', title: 'English' },
  { value: 'ru', title: 'Русский' },
];

const CATALOGUES: Readonly<Record<Language, Readonly<Record<Key, string | Forms>>>> = { en, ru };
const PLURALS = { en: new Intl.PluralRules('en'), ru: new Intl.PluralRules('ru') };
const NUMBERS = { en: new Intl.NumberFormat('en'), ru: new Intl.NumberFormat('ru') };

function known(tag: unknown): Language | null {
  const short = typeof tag === 'string' ? tag.slice(0, 2).toLowerCase() : '';
  return short === 'en' || short === 'ru' ? short : null;
}

/** The first language that both the browser and these pages speak. */
function browsers(): Language {
  const tags = typeof navigator === 'undefined' ? [] : navigator.languages;
  return tags.map(known).find((language) => language !== null) ?? 'en';
}

class Speech {
  language = $state<Language>(known(recall('language')) ?? browsers());

  choose(language: Language): void {
    this.language = language;
    remember('language', language);
    this.mark();
  }

  /** Tell the page, for screen readers and hyphenation. */
  mark(): void {
    document.documentElement.lang = this.language;
  }
}

export const speech = new Speech();

export function t<K extends Key>(key: K, ...filling: Filling<K>): string {
  const language = speech.language;
  const values = (filling[0] ?? {}) as Readonly<Record<string, string | number>>;
  return phrase(CATALOGUES[language][key], values, PLURALS[language], NUMBERS[language]);
}

/** The words for such a code, about what the service names; null when these pages do not know it yet. */
export function told(
  prefix: string,
  code: string,
  facts: Readonly<Record<string, string | number>>,
): string | null {
  const key = `${prefix}.${code}`;
  if (!(key in en)) return null;
  const language = speech.language;
  return phrase(CATALOGUES[language][key as Key], facts, PLURALS[language], NUMBERS[language]);
}

/** The words for a code that the service may extend: null when these pages do not know it yet. */
export function keyFor(prefix: string, code: string): PlainKey | null {
  const key = `${prefix}.${code}`;
  return key in en ? (key as PlainKey) : null;
}
