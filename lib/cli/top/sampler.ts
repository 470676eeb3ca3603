import type { Guest, GuestMetrics, MistifyClient } from '../../client/index.js';
import { type Rates, ratesBetween } from '../../portable/rates.js';

const FIELDS = ['id', 'state', 'cpu', 'memory', 'metadata'] as const;
export type SampledGuest = Pick<Guest, (typeof FIELDS)[number]>;

export interface Row {
  guest: SampledGuest;
  /** Absent in the first sample, and for a guest without metrics, such as one that is off. */
  rates: Rates | undefined;
}

interface Measured {
  sample: GuestMetrics;
  rates: Rates | undefined;
}

/** Samples the guests of a host and computes their rates from one sample to the next. */
export class GuestSampler {
  readonly #client: MistifyClient;
  #previous = new Map<string, Measured>();

  constructor(client: MistifyClient) {
    this.#client = client;
  }

  async sample(): Promise<Row[]> {
    const guests: SampledGuest[] = [];
    for await (const guest of this.#client.guests.every({ limit: 1000, fields: FIELDS })) guests.push(guest);
    const samples = await this.#client.guests.metrics();
    this.#previous = new Map(samples.map((sample) => [sample.guest, this.#measure(sample)]));
    return guests.map((guest) => ({ guest, rates: this.#previous.get(guest.id)?.rates }));
  }

  #measure(sample: GuestMetrics): Measured {
    const previous = this.#previous.get(sample.guest);
    // Two requests within a second may return the same counters, which give no rate.
    if (previous?.rates && previous.sample.time === sample.time) return previous;
    return { sample, rates: previous && ratesBetween(previous.sample, sample) };
  }
}
