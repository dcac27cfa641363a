/** How a field of the form is called, by its place in the document. */
import { humanised } from '../../desk/work/names.ts';
import { keyFor, speech, t } from '../../i18n/index.svelte.ts';
import type { Schema } from './schema.ts';

export type Path = readonly string[];

/** Members of lists and records have no name of their own: `policy.hours.2.from` is `policy.hours.from`. */
export const ANY = '*';

/** A candidate is called like the policy that it may become. */
const code = (place: Path): string =>
  place
    .filter((part) => part !== ANY)
    .map((part, index) => (index === 0 && place.length > 1 && part === 'shadow' ? 'policy' : part))
    .join('.');

/** Is it a field with a name of its own, or a member of a list or record? */
export const isNamed = (place: Path): boolean =>
  (keyFor('term', code(place)) ?? keyFor('term', place.at(-1) ?? '')) !== null;

export function labelOf(place: Path): string {
  const key = keyFor('term', code(place)) ?? keyFor('term', place.at(-1) ?? '');
  return key === null ? humanised(place.at(-1) ?? '') : t(key);
}

export function hintOf(place: Path, schema: Schema): string | undefined {
  const key = keyFor('term.hint', code(place));
  if (key !== null) return t(key);
  // The schema speaks English only.
  return speech.language === 'en' ? schema.description?.split('\n\n')[0] : undefined;
}

export function choiceOf(place: Path, value: string): string {
  const key = keyFor('term.choice', `${place.at(-1) ?? ''}.${value}`) ?? keyFor('term.choice', value);
  return key === null ? value : t(key);
}
