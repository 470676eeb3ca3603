import { MB, toMb } from '../../../model/units.js';
import type { ReportProgress } from '../../../rpc/server/call-context.js';

/** The progress of a piece of work: a message and, if known, a percentage. */
export type Step = [message: string, percent?: number];

const INTERVAL_MS = 1000;

/** Describes progress in bytes: `12 of 48 MB, 25%` with the percentage, or `12 MB` when the total is unknown. */
export const describeBytes = (done: number, total: number | undefined): Step => {
  const doneMb = Math.floor(done / MB);
  if (total === undefined || total === 0) return [`${doneMb} MB`];
  const percent = Math.min(100, Math.floor((100 * done) / total));
  return [`${done >= total ? toMb(total) : doneMb} of ${toMb(total)} MB, ${percent}%`, percent];
};

/** Reports the progress of one piece of work to several listeners, at most once a second. */
export class ProgressReporter {
  readonly #listeners = new Set<ReportProgress>();
  readonly #intervalMs: number;
  #latest: Step = [''];
  #reported: Step = [''];
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs = INTERVAL_MS) {
    this.#intervalMs = intervalMs;
  }

  /** Adds a listener, which receives the last report at once. */
  listen(report: ReportProgress): void {
    this.#listeners.add(report);
    if (this.#reported[0] !== '') report(...this.#reported);
  }

  /** Sets the current progress. Progress that is replaced within the interval is never reported. */
  set(...step: Step): void {
    this.#latest = step;
    if (this.#timer) return;
    this.#report();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#latest[0] !== this.#reported[0]) this.set(...this.#latest);
    }, this.#intervalMs);
    this.#timer.unref();
  }

  /** Ends all reports. */
  end(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #report(): void {
    this.#reported = this.#latest;
    for (const report of this.#listeners) report(...this.#reported);
  }
}
