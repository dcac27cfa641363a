/** The lines of the workspace, the one that is open, and what was changed about it. */
import * as api from '../api/admin.ts';
import type { Choices, LineShown, Values } from '../api/admin.ts';
import { asProblem, type Problem } from '../api/http.ts';
import type { Refused } from './form/refused.ts';
import { fresh, same, type Schema, type Value } from './form/schema.ts';

export const NEW = '+';

export class Lines {
  all = $state.raw<readonly LineShown[] | null>(null);
  choices = $state.raw<Choices | null>(null);
  trouble = $state.raw<Problem | null>(null);
  /** The name of the open line; NEW while one is being made. */
  open = $state<string | null>(null);
  /** What the open line will be when it is kept. */
  draft = $state.raw<Values>({});
  name = $state('');
  busy = $state(false);
  refusal = $state.raw<Problem | null>(null);
  kept = $state(false);

  readonly shown = $derived(this.all?.find(({ name }) => name === this.open) ?? null);
  readonly locked = $derived(this.shown?.managed_by === 'file');
  readonly changed = $derived(
    this.open === NEW || (this.shown !== null && !same(this.draft as Value, this.shown.line as Value)),
  );
  /** What the service said about single fields, by their place. */
  readonly problems = $derived(problemsOf(this.refusal));

  async load(): Promise<void> {
    try {
      const [all, choices] = await Promise.all([api.lines(), api.choices()]);
      this.all = all;
      this.choices = choices;
      this.trouble = null;
    } catch (error) {
      this.trouble = asProblem(error);
    }
  }

  choose(name: string | null): void {
    this.open = name;
    this.refusal = null;
    this.kept = false;
    if (name === NEW && this.choices !== null) {
      this.name = '';
      this.draft = empty(this.choices);
    } else this.draft = this.shown?.line ?? {};
  }

  change(values: Values): void {
    this.draft = values;
    this.kept = false;
  }

  /** Keep what was changed; what the service refuses stands beside the fields, and nothing is lost. */
  async keep(): Promise<void> {
    const name = this.open === NEW ? this.name.trim() : this.open;
    if (name === null || this.busy) return;
    this.busy = true;
    this.refusal = null;
    try {
      const kept = await api.keep(name, this.draft, this.shown?.version ?? null);
      const others = (this.all ?? []).filter((line) => line.name !== kept.name);
      this.all = [...others, kept].sort((one, other) => one.name.localeCompare(other.name));
      this.open = kept.name;
      this.draft = kept.line;
      this.kept = true;
    } catch (error) {
      this.refusal = asProblem(error);
    } finally {
      this.busy = false;
    }
  }
}

function empty(choices: Choices): Values {
  const schema: Schema = choices.line_schema;
  const line = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, fresh(inner, schema)]),
  );
  return {
    ...line,
    account: (choices.accounts.find((name) => choices.kinds[name] !== 'sms') ?? choices.accounts[0]) ?? '',
    flow: choices.flows[0] ?? '',
    queue: choices.queues[0] ?? '',
  };
}

export function problemsOf(refusal: Problem | null): Readonly<Record<string, Refused>> {
  const errors = refusal?.body['errors'];
  if (!Array.isArray(errors)) return {};
  const told: Record<string, Refused> = {};
  for (const each of errors as readonly unknown[]) {
    const { path, ...said } = each as Partial<Refused> & { readonly path?: string };
    if (path === undefined || said.message === undefined) continue;
    told[path.replace(/^line\./, '')] = { code: '', facts: {}, ...said, message: said.message };
  }
  return told;
}
