/** What is typed and not yet sent: one per conversation, in this workspace, on this device. */
import { recall, remember } from '../../device/storage.ts';

export class Drafts {
  #texts = $state.raw<ReadonlyMap<string, string>>(new Map());
  readonly #key: string;

  constructor(workspace: string, person: string) {
    this.#key = `drafts.${workspace}.${person}`;
    this.#texts = new Map(Object.entries(this.#kept()));
  }

  of(conversationId: string): string {
    return this.#texts.get(conversationId) ?? '';
  }

  has(conversationId: string): boolean {
    return this.#texts.has(conversationId);
  }

  /** Kept with every keystroke: a crash costs nothing. */
  keep(conversationId: string, text: string): void {
    const texts = new Map(this.#texts);
    if (text.trim() === '') texts.delete(conversationId);
    else texts.set(conversationId, text);
    this.#texts = texts;
    // Another tab may hold drafts of other conversations: change only this one.
    const kept = { ...this.#kept() };
    if (texts.has(conversationId)) kept[conversationId] = text;
    else delete kept[conversationId];
    remember(this.#key, Object.keys(kept).length === 0 ? null : kept);
  }

  #kept(): Record<string, string> {
    const kept = recall(this.#key);
    if (typeof kept !== 'object' || kept === null) return {};
    return Object.fromEntries(
      Object.entries(kept).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    );
  }
}
