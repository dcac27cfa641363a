/** One clock for every countdown and waiting time: the service's time, told once a second. */

class Clock {
  #offset = 0;
  #second = $state(Math.floor(Date.now() / 1000));

  constructor() {
    setInterval(() => (this.#second = Math.floor(this.exact() / 1000)), 1000);
  }

  /** Milliseconds since the epoch by the service's clock; what reads it follows every second. */
  get now(): number {
    return this.#second * 1000;
  }

  /** The same to the millisecond, for nobody's eyes. */
  exact(): number {
    return Date.now() + this.#offset;
  }

  /** The service said what time it is. */
  hear(serverNow: string): void {
    const heard = Date.parse(serverNow);
    if (Number.isNaN(heard)) return;
    this.#offset = heard - Date.now();
    this.#second = Math.floor(heard / 1000);
  }
}

export const clock = new Clock();
