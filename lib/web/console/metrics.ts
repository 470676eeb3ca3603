import type { GuestMetrics } from '../../model/metrics.js';
import { type Rates, ratesBetween } from '../../portable/rates.js';
import { get } from './api.js';
import { store } from './store.js';

const INTERVAL_MS = 3000;
/** Points per guest that charts can show. */
export const HISTORY = 60;

export interface Point extends Rates {
  /** Milliseconds since 1970. */
  at: number;
  /** The bytes of host memory that the guest uses. */
  memory?: number;
}

interface Measured {
  sample: GuestMetrics;
  history: Point[];
}

/** The load of the guests since the page was opened. Measures only while the page is visible. */
class Measurements {
  readonly #measured = new Map<string, Measured>();
  /** The guest to measure; all guests when absent. */
  #guest: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isRunning = false;

  constructor() {
    document.addEventListener('visibilitychange', () => this.#measureSoon());
  }

  /** @param guest the only guest to measure; all of them by default */
  start(guest?: string): void {
    this.#guest = guest;
    this.#isRunning = true;
    this.#measureSoon();
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  historyOf(guest: string): readonly Point[] {
    return this.#measured.get(guest)?.history ?? [];
  }

  latest(guest: string): Point | undefined {
    return this.#measured.get(guest)?.history.at(-1);
  }

  /** The memory that the guest uses on the host, in bytes. */
  memoryOf(guest: string): number | undefined {
    return this.#measured.get(guest)?.sample.memory;
  }

  #measureSoon(): void {
    clearTimeout(this.#timer);
    if (this.#isRunning && document.visibilityState === 'visible') void this.#measure();
  }

  async #measure(): Promise<void> {
    const query = this.#guest === undefined ? '' : `?guest=${this.#guest}`;
    try {
      const samples = await get<GuestMetrics[]>(`/metrics/guests${query}`);
      for (const sample of samples) this.#add(sample);
      this.#forgetOthers(new Set(samples.map(({ guest }) => guest)));
      store.touch('metrics');
    } catch {
      // The event stream reports an agent that is away or requires a token.
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#measureSoon(), INTERVAL_MS);
  }

  /** Drops the load of guests that no longer run. */
  #forgetOthers(running: ReadonlySet<string>): void {
    for (const id of this.#guest === undefined ? [...this.#measured.keys()] : [this.#guest])
      if (!running.has(id)) this.#measured.delete(id);
  }

  #add(sample: GuestMetrics): void {
    const before = this.#measured.get(sample.guest);
    if (!before) {
      this.#measured.set(sample.guest, { sample, history: [] });
      return;
    }
    if (before.sample.time === sample.time) return;
    const { memory } = sample;
    before.history.push({
      ...{ at: Date.parse(sample.time), ...ratesBetween(before.sample, sample) },
      ...(memory === undefined ? {} : { memory }),
    });
    if (before.history.length > HISTORY) before.history.shift();
    before.sample = sample;
  }
}

export const measurements = new Measurements();
