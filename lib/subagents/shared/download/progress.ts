import { MB, toMb } from '../../../model/units.js';
import type { ReportProgress } from '../../../rpc/server/call-context.js';

/** How far a piece of work has come, in words and, where it is known, in percent. */
export type Step = [message: string, percent?: number];

const INTERVAL_MS = 1000;

/** `12 of 48 MB, 25%` with its percentage, or only `12 MB` when the total, in bytes, is not known. */
export const describeBytes = (done: number, total: number | undefined): Step => {
  const doneMb = Math.floor(done / MB);
  if (total === undefined || total === 0) return [`${doneMb} MB`];
  const percent = Math.min(100, Math.floor((100 * done) / total));
  return [`${done >= total ? toMb(total) : doneMb} of ${toMb(total)} MB, ${percent}%`, percent];
};

/** Tells all who wait for one piece of work how far it has come, at most once a second. */
export class Progress {
  readonly #listeners = new Set<ReportProgress>();
  readonly #intervalMs: number;
  #latest: Step = [''];
  #said: Step = [''];
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs = INTERVAL_MS) {
    this.#intervalMs = intervalMs;
  }

  /** One who joins late hears at once what was said last. */
  listen(report: ReportProgress): void {
    this.#listeners.add(report);
    if (this.#said[0] !== '') report(...this.#said);
  }

  /** The newest message; what is set again before a second is over is never said. */
  set(...step: Step): void {
    this.#latest = step;
    if (this.#timer) return;
    this.#say();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#latest[0] !== this.#said[0]) this.set(...this.#latest);
    }, this.#intervalMs);
    this.#timer.unref();
  }

  /** Nothing more is said. */
  end(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #say(): void {
    this.#said = this.#latest;
    for (const report of this.#listeners) report(...this.#said);
  }
}
