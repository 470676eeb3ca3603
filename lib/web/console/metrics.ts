import type { GuestMetrics } from '../../model/metrics.js';
import { type Rates, ratesBetween } from '../../portable/rates.js';
import { get } from './api.js';
import { store } from './store.js';

const INTERVAL_MS = 3000;
/** How far charts reach back. */
export const HISTORY = 60;

export interface Point extends Rates {
  /** Milliseconds since 1970. */
  at: number;
}

interface Measured {
  sample: GuestMetrics;
  history: Point[];
}

/** How busy the guests have been, since the page was opened; measured only while it is looked at. */
class Measurements {
  readonly #measured = new Map<string, Measured>();
  /** The guest that is looked at; all of them when it is absent. */
  #guest: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isWanted = false;

  constructor() {
    document.addEventListener('visibilitychange', () => this.#measureSoon());
  }

  /** @param guest the only one that is looked at */
  want(guest?: string): void {
    this.#guest = guest;
    this.#isWanted = true;
    this.#measureSoon();
  }

  stop(): void {
    this.#isWanted = false;
    clearTimeout(this.#timer);
  }

  historyOf(guest: string): readonly Point[] {
    return this.#measured.get(guest)?.history ?? [];
  }

  latest(guest: string): Point | undefined {
    return this.#measured.get(guest)?.history.at(-1);
  }

  /** Of the host's memory, in bytes. */
  memoryOf(guest: string): number | undefined {
    return this.#measured.get(guest)?.sample.memory;
  }

  #measureSoon(): void {
    clearTimeout(this.#timer);
    if (this.#isWanted && document.visibilityState === 'visible') void this.#measure();
  }

  async #measure(): Promise<void> {
    const query = this.#guest === undefined ? '' : `?guest=${this.#guest}`;
    try {
      for (const sample of await get<GuestMetrics[]>(`/metrics/guests${query}`)) this.#note(sample);
      store.touch('metrics');
    } catch {
      // That the agent is away, or asks who it is, the event stream tells.
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#measureSoon(), INTERVAL_MS);
  }

  #note(sample: GuestMetrics): void {
    const before = this.#measured.get(sample.guest);
    if (!before) {
      this.#measured.set(sample.guest, { sample, history: [] });
      return;
    }
    if (before.sample.time === sample.time) return;
    before.history.push({ at: Date.parse(sample.time), ...ratesBetween(before.sample, sample) });
    if (before.history.length > HISTORY) before.history.shift();
    before.sample = sample;
  }
}

export const measurements = new Measurements();
