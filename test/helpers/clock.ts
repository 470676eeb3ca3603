interface Timer {
  at: number;
  fire: () => void;
}

/** Replaces this process's timers by a clock that advances on command. */
export class Clock {
  readonly #timers = new Set<Timer>();
  readonly #real = { setTimeout, clearTimeout };
  #now = 0;

  start(): void {
    const set = (fire: () => void, ms = 0): object => {
      const timer = { at: this.#now + ms, fire, unref: () => timer, ref: () => timer };
      this.#timers.add(timer);
      return timer;
    };
    const clear = (timer?: Timer): void => {
      if (timer) this.#timers.delete(timer);
    };
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  }

  /** Advances by milliseconds and fires the timers that are due. */
  advance(ms: number): void {
    this.#now += ms;
    const due = [...this.#timers].filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at);
    for (const timer of due) if (this.#timers.delete(timer)) timer.fire();
  }

  stop(): void {
    Object.assign(globalThis, this.#real);
  }
}
