import type { RequestEntry } from '../model/audit.js';

const MINUTE_MS = 60_000;

/** The kinds of refusals that are told apart in a minute, so that a flood cannot push older entries out of the log. */
const MAX_KINDS = 1000;

/** Writes the first refusal of a client, route and status in a minute at once, and the number of the others at its end. */
export class Refusals {
  readonly #write: (entry: RequestEntry) => void;
  readonly #maxKinds: number;
  /** By client, route and status: the first one, and how many followed. */
  readonly #kinds = new Map<string, { first: RequestEntry; more: number }>();
  /** Those of further kinds. */
  #others = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (entry: RequestEntry) => void, maxKinds = MAX_KINDS) {
    this.#write = write;
    this.#maxKinds = maxKinds;
  }

  add(entry: RequestEntry): void {
    const { principal, address, method, route, status } = entry;
    const key = JSON.stringify([principal || address, method, route, status]);
    const known = this.#kinds.get(key);
    if (known) known.more += 1;
    else if (this.#kinds.size >= this.#maxKinds) this.#others += 1;
    else {
      this.#kinds.set(key, { first: entry, more: 0 });
      this.#write(entry);
    }
    this.#timer ??= setTimeout(() => this.endMinute(), MINUTE_MS).unref();
  }

  /** Writes what was counted, and begins to count again. */
  endMinute(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { first, more } of this.#kinds.values()) if (more > 0) this.#write({ ...first, count: more });
    if (this.#others > 0) this.#write(othersEntry(this.#others));
    this.#kinds.clear();
    this.#others = 0;
  }
}

const othersEntry = (count: number): RequestEntry => ({
  event: 'request',
  ...{ principal: '', address: '', method: '', route: '' },
  status: 403,
  reason: 'refusals of many other clients or routes',
  count,
});
