/** Messages as the eye groups them: by day, then by who speaks without a pause. Pure. */
import type { Message } from '../../api/types.ts';

const PAUSE_MS = 5 * 60_000;

export interface Placed {
  readonly message: Message;
  /** Begins a new day. */
  readonly newDay: boolean;
  /** The first of its author's run: carries the name. */
  readonly first: boolean;
}

const speaker = (message: Message): string =>
  message.type === 'event' ? 'event' : `${message.direction} ${message.author.kind} ${message.author.id ?? ''}`;

export function arrange(messages: readonly Message[], dayOf: (at: string) => number): readonly Placed[] {
  return messages.map((message, index) => {
    const before = messages[index - 1];
    const newDay = before === undefined || dayOf(before.at) !== dayOf(message.at);
    const first =
      newDay ||
      before === undefined ||
      speaker(before) !== speaker(message) ||
      Date.parse(message.at) - Date.parse(before.at) > PAUSE_MS;
    return { message, newDay, first };
  });
}

export interface Piece {
  readonly text: string;
  readonly href: string | null;
}

const ADDRESS = /https?:\/\/[^\s<>"']+/giu;

/** Text with its web addresses set apart; they are shown as text and only ever http(s). */
export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(/[.,;:!?)\]}»”]+$/u, '');
    if (match.index > at) found.push({ text: text.slice(at, match.index), href: null });
    found.push({ text: address, href: address });
    at = match.index + address.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), href: null });
  return found;
}
