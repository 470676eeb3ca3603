interface Timer {
  at: number;
  ring: () => void;
}

/** A clock that goes on when it is told to, in place of the timers of this process. */
export class Clock {
  readonly #timers = new Set<Timer>();
  readonly #real = { setTimeout, clearTimeout };
  #now = 0;

  start(): void {
    const set = (ring: () => void, ms = 0): object => {
      const timer = { at: this.#now + ms, ring, unref: () => timer, ref: () => timer };
      this.#timers.add(timer);
      return timer;
    };
    const clear = (timer?: Timer): void => {
      if (timer) this.#timers.delete(timer);
    };
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  }

  /** Lets milliseconds pass. */
  pass(ms: number): void {
    this.#now += ms;
    const due = [...this.#timers].filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at);
    for (const timer of due) if (this.#timers.delete(timer)) timer.ring();
  }

  stop(): void {
    Object.assign(globalThis, this.#real);
  }
}
