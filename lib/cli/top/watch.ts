import type { Guest, GuestMetrics, MistifyClient } from '../../client/index.js';
import { type Rates, ratesBetween } from '../../portable/rates.js';

const FIELDS = ['id', 'state', 'cpu', 'memory', 'metadata'] as const;
export type WatchedGuest = Pick<Guest, (typeof FIELDS)[number]>;

export interface Row {
  guest: WatchedGuest;
  /** Absent at first, and of a guest that has no metrics: one that is off. */
  rates: Rates | undefined;
}

interface Seen {
  sample: GuestMetrics;
  rates: Rates | undefined;
}

/** The guests of a host, and how busy they are, from one look to the next. */
export class Watch {
  readonly #client: MistifyClient;
  #before = new Map<string, Seen>();

  constructor(client: MistifyClient) {
    this.#client = client;
  }

  async look(): Promise<Row[]> {
    const guests: WatchedGuest[] = [];
    for await (const guest of this.#client.guests.every({ limit: 1000, fields: FIELDS })) guests.push(guest);
    const samples = await this.#client.guests.metrics();
    this.#before = new Map(samples.map((sample) => [sample.guest, this.#see(sample)]));
    return guests.map((guest) => ({ guest, rates: this.#before.get(guest.id)?.rates }));
  }

  #see(sample: GuestMetrics): Seen {
    const before = this.#before.get(sample.guest);
    // Two looks within a second may see the same counts, of which no rate can be made.
    if (before?.rates && before.sample.time === sample.time) return before;
    return { sample, rates: before && ratesBetween(before.sample, sample) };
  }
}
