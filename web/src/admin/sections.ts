/** The fields of a line in the order in which a person thinks of them. */
import type { PlainKey } from '../i18n/index.svelte.ts';

export interface Section {
  readonly title: PlainKey;
  readonly fields: readonly string[];
}

const SECTIONS: readonly Section[] = [
  { title: 'admin.section.number', fields: ['title', 'country', 'numbers', 'enabled'] },
  { title: 'admin.section.chat', fields: ['account', 'flow', 'queue', 'callback_queue'] },
  { title: 'admin.section.words', fields: ['opening', 'goodbye', 'prompts', 'topics'] },
  { title: 'admin.section.consent', fields: ['consent', 'declined_s', 'repeat_call_s'] },
  {
    title: 'admin.section.call',
    fields: ['confirm', 'grace_ms', 'deadline_ms', 'rescue_after_s', 'can_poll', 'continue_to'],
  },
];

/** What no section names (a field that is newer than these pages) is shown last, never left out. */
export function arranged(names: readonly string[]): readonly Section[] {
  const named = new Set(SECTIONS.flatMap(({ fields }) => fields));
  const rest = names.filter((name) => !named.has(name));
  const known = SECTIONS.map(({ title, fields }) => ({ title, fields: fields.filter((name) => names.includes(name)) }));
  return [...known, { title: 'admin.section.more' as PlainKey, fields: rest }].filter(({ fields }) => fields.length > 0);
}
