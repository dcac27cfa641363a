/** What the service says about a field, in the person's words: which field, and what to do there. */
import { number } from '../../i18n/format.ts';
import { t } from '../../i18n/index.svelte.ts';
import { ANY, isNamed, labelOf } from './names.ts';

const SAID: readonly (readonly [RegExp, (found: number) => string])[] = [
  [/^field required|should have at least 1 (character|item)/i, () => t('admin.refused.missing')],
  [/should have at most (\d+) character/i, (n) => t('admin.refused.long', { most: number(n) })],
  [/should match pattern/i, () => t('admin.refused.form')],
  [/should be a valid (?:integer|number)/i, () => t('admin.refused.number')],
  [/greater than or equal to (-?[\d.]+)/i, (n) => t('admin.refused.least', { least: number(n) })],
  [/less than or equal to (-?[\d.]+)/i, (n) => t('admin.refused.most', { most: number(n) })],
];

/** What has no words of ours is said as the service says it. */
export function worded(message: string): string {
  for (const [pattern, say] of SAID) {
    const found = pattern.exec(message);
    if (found !== null) return say(Number(found[1]));
  }
  return message.replace(/^Value error, /, '');
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
