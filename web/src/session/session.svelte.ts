/** Who is signed in here. Every page begins with this question. */
import * as api from '../api/desk.ts';
import { asProblem, whenSignedOut, type Problem } from '../api/http.ts';
import type { Me, Right } from '../api/types.ts';
import { appearance } from '../design/appearance.svelte.ts';

export interface Choice {
  readonly name: string;
  readonly title: string;
}

class Session {
  me = $state.raw<Me | null>(null);
  /** Not yet known whether somebody is signed in. */
  asking = $state(true);
  /** The service could not say. */
  trouble = $state.raw<Problem | null>(null);

  may(right: Right): boolean {
    return this.me?.rights.includes(right) ?? false;
  }

  async load(): Promise<void> {
    this.asking = true;
    try {
      this.#set(await api.whoAmI());
      this.trouble = null;
    } catch (error) {
      const problem = asProblem(error);
      this.#set(null);
      this.trouble = problem.status === 401 ? null : problem;
    } finally {
      this.asking = false;
    }
  }

  async signIn(email: string, password: string, workspace?: string): Promise<void> {
    this.#set(await api.signIn(workspace === undefined ? { email, password } : { email, password, workspace }));
    this.trouble = null;
  }

  async signOut(): Promise<void> {
    await api.signOut();
    this.#set(null);
  }

  /** The service ended the session, or no longer knows it. */
  ended(): void {
    this.#set(null);
  }

  /** Ask again, quietly, whether the session still stands. */
  async recheck(): Promise<void> {
    // A refusal ends it (see whenSignedOut); anything else says nothing about it.
    await api.whoAmI().catch(() => null);
  }

  #set(me: Me | null): void {
    this.me = me;
    if (me !== null) appearance.setAccent(me.workspace.accent);
  }
}

export const session = new Session();
whenSignedOut(() => session.ended());

/** The workspaces that one e-mail and password open, from a `choose_workspace` refusal. */
export function choicesOf(problem: Problem): readonly Choice[] {
  const listed = problem.body['workspaces'];
  if (problem.code !== 'choose_workspace' || !Array.isArray(listed)) return [];
  return listed.filter(
    (one): one is Choice =>
      typeof one === 'object' &&
      one !== null &&
      typeof (one as Choice).name === 'string' &&
      typeof (one as Choice).title === 'string',
  );
}
