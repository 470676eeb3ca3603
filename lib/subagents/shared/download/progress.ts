import { MB, toMb } from '../../../model/units.js';

/** Hears how far it has come, in words. */
export type Report = (message: string) => void;

const INTERVAL_MS = 1000;

/** `12 of 48 MB, 25%`, or only `12 MB` when the total, in bytes, is not known. */
export const describeBytes = (done: number, total: number | undefined): string => {
  const doneMb = Math.floor(done / MB);
  if (total === undefined || total === 0) return `${doneMb} MB`;
  const percent = Math.min(100, Math.floor((100 * done) / total));
  return `${done >= total ? toMb(total) : doneMb} of ${toMb(total)} MB, ${percent}%`;
};

/** Tells all who wait for one piece of work how far it has come, at most once a second. */
export class Progress {
  readonly #listeners = new Set<Report>();
  readonly #intervalMs: number;
  #message = '';
  #said = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs = INTERVAL_MS) {
    this.#intervalMs = intervalMs;
  }

  /** One who joins late hears at once what was said last. */
  listen(report: Report): void {
    this.#listeners.add(report);
    if (this.#said !== '') report(this.#said);
  }

  /** The newest message; what is set again before a second is over is never said. */
  set(message: string): void {
    this.#message = message;
    if (this.#timer) return;
    this.#say();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#message !== this.#said) this.set(this.#message);
    }, this.#intervalMs);
    this.#timer.unref();
  }

  /** Nothing more is said. */
  end(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #say(): void {
    this.#said = this.#message;
    for (const report of this.#listeners) report(this.#said);
  }
}
