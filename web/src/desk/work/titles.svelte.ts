/** The workspace's own words for the names of slots, tags, topics and the bot's steps. */
import * as api from '../../api/desk.ts';
import type { Titles } from '../../api/types.ts';
import { speech } from '../../i18n/index.svelte.ts';
import { humanised } from './names.ts';

class Titled {
  #titles = $state.raw<Titles>({});

  /** Without an answer, names are shown as they can be read anyway. */
  async read(): Promise<void> {
    const told = await api.listTitles().catch(() => null);
    if (told !== null) this.#titles = told.titles;
  }

  /** A name in the person's language; what nobody gave a title is made readable. */
  of(name: string): string {
    return this.known(name) ?? humanised(name);
  }

  known(name: string): string | null {
    return this.#titles[speech.language]?.[name] ?? null;
  }
}

export const titles = new Titled();
