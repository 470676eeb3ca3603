import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { type Guest, type LooseGuest, normalizeGuest } from '../../model/guest.js';
import type { GuestState } from '../../rpc/protocol/sub-agent-events.js';
import type { GuestStore } from '../../store/guest-store.js';

const withState =
  (state: string, { vnc, reason }: Pick<Guest, 'vnc' | 'reason'> = {}) =>
  ({ vnc: _vnc, reason: _reason, ...guest }: Guest): Guest => ({
    ...guest,
    state,
    ...(reason ? { reason } : {}),
    ...(vnc ? { vnc } : {}),
  });

/** A report without a size says nothing about it; one with a size has all of it. */
const withSize = (
  guest: Guest,
  { memory, cpu, maxMemory = null, maxCpu = null, pending = null }: LooseGuest,
): Guest => (memory && cpu ? normalizeGuest({ ...guest, memory, cpu, maxMemory, maxCpu, pending }) : guest);

/** A report without NICs says nothing about them. */
const withNics = (guest: Guest, nics: Guest['nics']): Guest =>
  nics ? normalizeGuest({ ...guest, nics }) : guest;

/** A report without a machine says nothing about it; one without `warm`, `program` or warnings says that the guest has none. */
const withReport =
  ({ state, nics, cpuModel, machine, devices, warnings, warm, program, ...rest }: GuestState) =>
  ({ warnings: _warnings, warm: _warm, program: _program, ...guest }: Guest): Guest => ({
    ...withState(state, rest)(withNics(withSize(guest, rest), nics)),
    ...(cpuModel ? { cpuModel } : {}),
    ...(machine ? { machine } : {}),
    ...(devices ? { devices } : {}),
    ...(warnings?.length ? { warnings } : {}),
    ...(warm ? { warm } : {}),
    ...(program ? { program } : {}),
  });

/**
 * Keeps guests' states in order. States arrive in responses to stages and over the sub-agents' event streams, in any
 * order; of two states the one with the higher revision is newer.
 */
export class GuestRevisions {
  readonly #guests: GuestStore;
  readonly #log: Logger;
  readonly #latest = new Map<string, number>();
  #isFailing = false;

  constructor(guests: GuestStore, log: Logger) {
    this.#guests = guests;
    this.#log = log;
  }

  /** Records a revision as a guest's latest; returns false when it is not newer than the one recorded. */
  advance(id: string, revision: number): boolean {
    if (revision <= (this.#latest.get(id) ?? 0)) return false;
    this.#latest.set(id, revision);
    return true;
  }

  /** Takes a revision back because its state was not stored, so that it counts when it is reported again. */
  retract(id: string, revision: number): void {
    if (this.#latest.get(id) === revision) this.#latest.delete(id);
  }

  /**
   * Stores a state that a sub-agent reported. Ignores it when a newer one is known, or when the guest is not in the
   * store; takes its revision back when the store fails.
   */
  async report(report: GuestState): Promise<void> {
    const { id, revision } = report;
    if (!this.#takesReports(id) || !this.advance(id, revision)) return;
    if (!(await this.#store(id, withReport(report)))) this.retract(id, revision);
  }

  /**
   * Sets a guest's state to `unknown` because no sub-agent reports it. The next report counts, whatever its revision.
   * @returns false when the store failed
   */
  async markUnknown(id: string): Promise<boolean> {
    this.#latest.delete(id);
    return !this.#takesReports(id) || this.#store(id, withState('unknown'));
  }

  /** Lists the ids of all guests except the given ones. */
  idsExcept(excluded: ReadonlySet<string>): string[] {
    return this.#guests.list().flatMap(({ id }) => (excluded.has(id) ? [] : id));
  }

  forget(id: string): void {
    this.#latest.delete(id);
  }

  /** False for an unknown guest, and for one whose create runs or has failed: that job alone sets its state. */
  #takesReports(id: string): boolean {
    const guest = this.#guests.find(id);
    return guest !== undefined && guest.state !== 'create' && guest.state !== 'error';
  }

  /** Returns false when the store failed. A guest that was removed meanwhile is not a failure. */
  async #store(id: string, change: (guest: Guest) => Guest): Promise<boolean> {
    try {
      await this.#guests.update(id, change);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#guests.find(id)) return true;
      // On a full disk every write and every retry fails: log the first one only.
      if (!this.#isFailing)
        this.#log.error({ guest: id }, `guest state not stored, retrying: ${errorMessage(error)}`);
      this.#isFailing = true;
      return false;
    }
    return true;
  }
}
