/** What to call a customer whom nobody has named yet. */
import type { Conversation } from '../../api/types.ts';
import { keyFor, t } from '../../i18n/index.svelte.ts';
import { spoken } from '../../i18n/telephone.ts';

export function nameOf({ contact }: Pick<Conversation, 'contact'>): string {
  const name = contact.name?.trim();
  if (name) return name;
  return contact.phone === null ? t('person.unnamed') : spoken(contact.phone);
}

export function channelTitle(kind: string): string {
  const key = keyFor('channel', kind);
  return key === null ? kind : t(key);
}

/** A snake_case word that these pages do not know, made readable. */
export function humanised(code: string): string {
  const words = code.replaceAll('_', ' ').trim();
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}

/** The reason codes that the service gives, as words; words that people typed stay as they are. */
export function reasonWords(reason: string): string {
  const key = keyFor('reason', reason);
  if (key !== null) return t(key);
  return /^[a-z]+(_[a-z]+)*$/.test(reason) ? humanised(reason) : reason;
}

/** The last words of a list row; a message without words is told by its type. */
export function lastWords(text: string): string {
  const key = keyFor('last', text);
  return key === null ? text : t(key);
}

export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
