/** The reports of one period, read side by side; a part that fails leaves the others standing. */
import * as api from '../api/reports.ts';
import { asProblem, type Problem } from '../api/http.ts';
import type { EffectRow, FunnelRow, Report, ShareRow } from '../api/types.ts';
import { before } from './period.ts';

export type Loaded<T> =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'here'; readonly report: T }
  | { readonly kind: 'trouble'; readonly problem: Problem };

const WAITING = { kind: 'waiting' } as const;

export class Reports {
  byDay = $state.raw<Loaded<Report<ShareRow>>>(WAITING);
  byLine = $state.raw<Loaded<Report<ShareRow>>>(WAITING);
  funnel = $state.raw<Loaded<Report<FunnelRow>>>(WAITING);
  earlier = $state.raw<Loaded<Report<ShareRow>>>(WAITING);
  effects = $state.raw<Readonly<Partial<Record<api.Effect, Loaded<Report<EffectRow>>>>>>({});
  /** When the numbers on the page were read, by this device's clock. */
  readAt = $state<number | null>(null);
  /** The last reading anew failed: what stands here is older than it should be. */
  stale = $state(false);
  #question = 0;

  /** Numbers already shown stay until the new ones are here; of the same period, also when none come. */
  ask(period: api.Period, again = false): void {
    this.#question += 1;
    const question = this.#question;
    const asked = Date.now();
    let failed = false;
    if (!again) this.readAt = null;
    const tell =
      <T>(held: () => Loaded<T>, set: (loaded: Loaded<T>) => void) =>
      async (answer: Promise<T>): Promise<void> => {
        let loaded: Loaded<T>;
        try {
          loaded = { kind: 'here', report: await answer };
        } catch (error) {
          loaded = { kind: 'trouble', problem: asProblem(error) };
        }
        // A slow answer to an earlier question is nobody's business any more.
        if (question !== this.#question) return;
        failed ||= loaded.kind === 'trouble';
        this.stale = again && failed;
        if (loaded.kind === 'here' || !again || held().kind !== 'here') set(loaded);
      };
    void (async () => {
      await tell<Report<ShareRow>>(() => this.byDay, (loaded) => (this.byDay = loaded))(
        api.voiceToChat(period, 'day'),
      );
      if (question === this.#question && !this.stale && this.byDay.kind === 'here') this.readAt = asked;
    })();
    void tell<Report<FunnelRow>>(() => this.funnel, (loaded) => (this.funnel = loaded))(api.funnel(period));
    void tell<Report<ShareRow>>(() => this.byLine, (loaded) => (this.byLine = loaded))(
      // All lines, so that the choice does not shrink to the chosen one.
      api.voiceToChat({ from: period.from, to: period.to }, 'line'),
    );
    void tell<Report<ShareRow>>(() => this.earlier, (loaded) => (this.earlier = loaded))(api.voiceToChat(before(period), 'day'));
    void (async () => {
      // One after the other: the service counts only a few reports at a time.
      for (const name of api.EFFECTS) {
        if (question !== this.#question) return;
        await tell<Report<EffectRow>>(
          () => this.effects[name] ?? WAITING,
          (loaded) => (this.effects = { ...this.effects, [name]: loaded }),
        )(api.effect(name, period));
      }
    })();
  }
}
