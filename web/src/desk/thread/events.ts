/** What happened around the conversation, as one quiet line. */
import type { Message } from '../../api/types.ts';
import { keyFor, t } from '../../i18n/index.svelte.ts';
import { humanised, reasonWords } from '../work/names.ts';

/** Reasons that only say the event's own name again. */
const PLAIN: ReadonlySet<string> = new Set(['transferred', 'finished', 'returned', 'closed']);

function text(value: unknown): string | null {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value !== 'object' || value === null) return null;
  const named = value as { readonly name?: unknown; readonly title?: unknown };
  return text(named.name) ?? text(named.title);
}

/** The line's words; null for an event that the page shows elsewhere (the call card). */
export function eventWords(message: Message): string | null {
  const { event } = message;
  if (event === null) return message.text;
  if (event.code === 'call_card') return null;
  const { params } = event;
  const who = text(params['operator']) ?? text(params['by']) ?? (message.author.kind === 'operator' ? message.author.name : null);
  const queue = text(params['queue']);
  const said = named(event.code, who, queue);
  const reason = text(params['reason']);
  return reason === null || PLAIN.has(reason) ? said : `${said} · ${reasonWords(reason)}`;
}

function named(code: string, who: string | null, queue: string | null): string {
  switch (code) {
    case 'accepted':
      return who === null ? t('event.accepted') : t('event.accepted.by', { who });
    case 'reserved':
      return who === null ? t('event.reserved') : t('event.reserved.to', { who });
    case 'closed':
      return who === null ? t('event.closed') : t('event.closed.by', { who });
    case 'handed_over':
      return queue === null ? t('event.handed_over') : t('event.handed_over.to', { queue });
    case 'transferred':
      return queue === null ? t('event.transferred') : t('event.transferred.to', { queue });
    case 'returned':
      return queue === null ? t('event.returned') : t('event.returned.to', { queue });
    default: {
      const key = keyFor('event', code);
      return key === null ? humanised(code) : t(key);
    }
  }
}
