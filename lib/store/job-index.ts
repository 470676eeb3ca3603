import type { LoggedJob } from './logged-job.js';
import { OrderedIds } from './ordered-ids.js';

/** The ids of jobs in their order, by guest, and by idempotency key. */
export class JobIndex {
  readonly #all = new OrderedIds();
  readonly #byGuest = new Map<string, OrderedIds>();
  readonly #byKey = new Map<string, string>();

  get size(): number {
    return this.#all.size;
  }

  has(id: string): boolean {
    return this.#all.has(id);
  }

  hasJobsOf(guestId: string): boolean {
    return this.#byGuest.has(guestId);
  }

  /** Returns the ids of all jobs, or of one guest's; `undefined` when that guest has none. */
  ids(guestId?: string): OrderedIds | undefined {
    return guestId === undefined ? this.#all : this.#byGuest.get(guestId);
  }

  /** Returns the id of the newest job that was requested with an idempotency key. */
  byKey(key: string): string | undefined {
    return this.#byKey.get(key);
  }

  add({ job: { ID, GuestID }, request }: LoggedJob, order: number): void {
    let ofGuest = this.#byGuest.get(GuestID);
    if (!ofGuest) {
      ofGuest = new OrderedIds();
      this.#byGuest.set(GuestID, ofGuest);
    }
    ofGuest.add(ID, order);
    this.#all.add(ID, order);
    if (request) this.#byKey.set(request.key, ID);
  }

  remove({ job: { ID, GuestID }, request }: LoggedJob): void {
    this.#all.delete(ID);
    const ofGuest = this.#byGuest.get(GuestID);
    ofGuest?.delete(ID);
    if (ofGuest?.size === 0) this.#byGuest.delete(GuestID);
    // A newer job may have the same key.
    if (request && this.#byKey.get(request.key) === ID) this.#byKey.delete(request.key);
  }
}
