/** Runs work side by side, up to a limit. */
export class InFlight {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;

  private constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Passes an instance to `use`, and waits until all that was added has ended.
   * @throws the first failure
   */
  static async run<T>(limit: number, use: (flight: InFlight) => Promise<T>): Promise<T> {
    const flight = new InFlight(limit);
    try {
      const result = await use(flight);
      await flight.idle();
      return result;
    } finally {
      await Promise.all(flight.#running);
    }
  }

  /** Starts work as soon as there is room for it. @throws the failure of earlier work */
  async add(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
    this.#check();
    const running = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits until nothing runs. @throws the first failure */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
    this.#check();
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
