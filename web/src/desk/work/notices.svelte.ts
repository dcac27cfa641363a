/** Lines that say what happened: they come, and most go by themselves. */

export interface Line {
  readonly id: number;
  readonly tone: 'plain' | 'warm' | 'hot' | 'good';
  readonly text: string;
}

const STAY_MS = 7_000;
const AT_MOST = 3;

export class Notices {
  lines = $state.raw<readonly Line[]>([]);
  #next = 1;

  say(tone: Line['tone'], text: string): void {
    const line = { id: this.#next, tone, text };
    this.#next += 1;
    const rest = this.lines.filter((one) => one.text !== text);
    this.lines = [...rest, line].slice(-AT_MOST);
    // A problem stays until somebody has seen to it.
    if (tone !== 'hot') setTimeout(() => this.drop(line.id), STAY_MS);
  }

  drop(id: number): void {
    this.lines = this.lines.filter((line) => line.id !== id);
  }
}
