/** Which charts are shown as tables; kept on this device. */
import { recall, remember } from '../device/storage.ts';

type By = 'day' | 'line';
const ALL: readonly By[] = ['day', 'line'];

class Tables {
  #shown = $state.raw<Readonly<Record<By, boolean>>>({
    day: recall('report-table-day') === true,
    line: recall('report-table-line') === true,
  });

  of(by: By): boolean {
    return this.#shown[by];
  }

  turn(by: By, shown = !this.#shown[by]): void {
    this.#shown = { ...this.#shown, [by]: shown };
    remember(`report-table-${by}`, shown);
  }

  /** All of them one way: tables, unless there are only tables. */
  turnAll(): void {
    const shown = !ALL.every((by) => this.#shown[by]);
    for (const by of ALL) this.turn(by, shown);
  }
}

export const tables = new Tables();
