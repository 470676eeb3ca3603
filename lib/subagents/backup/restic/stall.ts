/** Notices when work makes no progress. */
export class StallWatch {
  readonly #timer: NodeJS.Timeout;
  #last: string | undefined;

  /** @param ms milliseconds without progress after which it calls `onStall` */
  constructor(ms: number, onStall: () => void) {
    this.#timer = setTimeout(onStall, ms);
  }

  /** Reports progress. */
  advance(): void {
    this.#timer.refresh();
  }

  /** Reports a state; only one that differs from the last is progress. */
  report(state: string): void {
    if (state === this.#last) return;
    this.#last = state;
    this.advance();
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
