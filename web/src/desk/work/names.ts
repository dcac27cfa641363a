/** What to call a customer whom nobody has named yet. */
import type { Conversation } from '../../api/types.ts';
import { keyFor, t } from '../../i18n/index.svelte.ts';

export function nameOf({ contact }: Pick<Conversation, 'contact'>): string {
  const name = contact.name?.trim();
  if (name) return name;
  return contact.phone ?? t('person.unnamed');
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

export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
