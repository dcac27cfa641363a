/** What the service says about a field, in the person's words: which field, and what to do there. */
import { number } from '../../i18n/format.ts';
import { told } from '../../i18n/index.svelte.ts';
import { ANY, isNamed, labelOf } from './names.ts';

/** One field's refusal: by a code that pages have words for, what it is about, and in English. */
export interface Refused {
  readonly code: string;
  readonly facts: Readonly<Record<string, string | number>>;
  readonly message: string;
}

/** Several of the service's codes ask the same of a person. */
const SAME: Readonly<Record<string, string>> = {
  string_too_short: 'missing',
  too_short: 'missing',
  string_type: 'form',
  dict_type: 'form',
  tuple_type: 'form',
  list_type: 'form',
  model_type: 'form',
  string_pattern_mismatch: 'form',
  int_type: 'number',
  int_parsing: 'number',
  float_type: 'number',
  float_parsing: 'number',
  finite_number: 'number',
  int_from_float: 'whole_number',
  enum: 'literal_error',
  date_type: 'date',
  date_parsing: 'date',
  date_from_datetime_parsing: 'date',
  date_from_datetime_inexact: 'date',
};

/** What has no words of ours is said as the service says it. */
export function worded({ code, facts, message }: Refused): string {
  return told('admin.refused', SAME[code] ?? code, facts) ?? message.replace(/^Value error, /, '');
}

/** The field's name behind that of the groups it stands in; members are told by their place or key. */
export function whereIn(path: string): string {
  const place: string[] = [];
  const words: string[] = [];
  for (const part of path.replace(/^terms\./, '').split('.')) {
    const index = /^\d+$/.test(part);
    const member = index || !isNamed([...place, part]);
    words.push(index ? number(Number(part) + 1) : member ? part : labelOf([...place, part]));
    place.push(member ? ANY : part);
  }
  return words.join(' › ');
}
