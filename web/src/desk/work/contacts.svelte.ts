/** People's cards, read when somebody looks and again when their conversation changes hands. */
import * as api from '../../api/desk.ts';
import { asProblem, type Problem } from '../../api/http.ts';
import type { Contact } from '../../api/types.ts';

export class Contacts {
  #cards = $state.raw<ReadonlyMap<string, Contact | Problem>>(new Map());
  #reading = new Set<string>();

  get(id: string): Contact | undefined {
    const card = this.#cards.get(id);
    return card !== undefined && !(card instanceof Error) ? card : undefined;
  }

  trouble(id: string): Problem | undefined {
    const card = this.#cards.get(id);
    return card instanceof Error ? card : undefined;
  }

  async read(id: string): Promise<void> {
    if (this.#reading.has(id)) return;
    this.#reading.add(id);
    try {
      const card = await api.getContact(id);
      this.#cards = new Map(this.#cards).set(id, card);
    } catch (error) {
      // An older card is better than none.
      if (this.get(id) === undefined) this.#cards = new Map(this.#cards).set(id, asProblem(error));
    } finally {
      this.#reading.delete(id);
    }
  }
}
