import pLimit from 'p-limit';
import type { Guest, MistifyClient } from '../../client/index.js';
import { type Rates, ratesBetween, type Sample } from './rates.js';

const AT_ONCE = 8;

const FIELDS = ['id', 'state', 'cpu', 'memory', 'metadata'] as const;
export type WatchedGuest = Pick<Guest, (typeof FIELDS)[number]>;

export interface Row {
  guest: WatchedGuest;
  /** Absent at first, and of a guest that has no metrics: one that is off. */
  rates: Rates | undefined;
}

/** The guests of a host, and how busy they are, from one look to the next. */
export class Watch {
  readonly #client: MistifyClient;
  #before = new Map<string, Sample>();

  constructor(client: MistifyClient) {
    this.#client = client;
  }

  async look(): Promise<Row[]> {
    const guests: WatchedGuest[] = [];
    for await (const guest of this.#client.guests.every({ limit: 1000, fields: FIELDS })) guests.push(guest);
    const limit = pLimit(AT_ONCE);
    const samples = await Promise.all(guests.map((guest) => limit(() => this.#sample(guest))));
    const rows = guests.map((guest, index) => {
      const [before, after] = [this.#before.get(guest.id), samples[index]];
      return { guest, rates: before && after && ratesBetween(before, after) };
    });
    this.#before = new Map(
      guests.flatMap(({ id }, index) => {
        const sample = samples[index];
        return sample ? [[id, sample] as const] : [];
      }),
    );
    return rows;
  }

  async #sample({ id, state }: WatchedGuest): Promise<Sample | undefined> {
    if (state !== 'running') return undefined;
    const { guests } = this.#client;
    try {
      const [cpu, disk, nic] = await Promise.all([
        guests.cpuMetrics(id),
        guests.diskMetrics(id),
        guests.nicMetrics(id),
      ]);
      return { at: performance.now(), cpu, disk, nic };
    } catch {
      // It may have gone off or away meanwhile, which the next list of guests tells.
      return undefined;
    }
  }
}
