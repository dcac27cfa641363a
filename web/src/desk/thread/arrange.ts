/** Messages as the eye groups them: by day, then by who speaks without a pause. Pure. */
import type { Message } from '../../api/types.ts';

const PAUSE_MS = 5 * 60_000;

export interface Placed {
  readonly message: Message;
  /** Begins a new day. */
  readonly newDay: boolean;
  /** The first of its author's run: carries the name. */
  readonly first: boolean;
  /** An event that says the same as those right before it stands for all of them. */
  readonly times: number;
}

const speaker = (message: Message): string =>
  message.type === 'event' ? 'event' : `${message.direction} ${message.author.kind} ${message.author.id ?? ''}`;

/** `wordsOf` says what an event's line reads; of lines that only repeat each other the last one stays. */
export function arrange(
  messages: readonly Message[],
  dayOf: (at: string) => number,
  wordsOf: (event: Message) => string | null = () => null,
): readonly Placed[] {
  const placed: Placed[] = [];
  let said: string | null = null;
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    const newDay = before === undefined || dayOf(before.at) !== dayOf(message.at);
    const first =
      newDay ||
      before === undefined ||
      speaker(before) !== speaker(message) ||
      Date.parse(message.at) - Date.parse(before.at) > PAUSE_MS;
    const words = message.type === 'event' ? wordsOf(message) : null;
    const again = words !== null && words === said && !newDay ? placed.pop() : undefined;
    said = words;
    placed.push({ message, first, newDay: newDay || (again?.newDay ?? false), times: (again?.times ?? 0) + 1 });
  });
  return placed;
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
