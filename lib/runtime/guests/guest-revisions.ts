import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { Guest } from '../../model/guest.js';
import type { GuestState } from '../../rpc/protocol/messages.js';
import type { GuestStore } from '../../store/guest-store.js';

const withState =
  (state: string, vnc = 0) =>
  ({ vnc: _, ...guest }: Guest): Guest => ({ ...guest, state, ...(vnc ? { vnc } : {}) });

/**
 * Puts what is heard of guests' states in order. A state comes in a stage's answer or over a sub-agent's state
 * stream, in any order; the one with the higher revision is the later one.
 */
export class GuestRevisions {
  readonly #guests: GuestStore;
  readonly #log: Logger;
  readonly #latest = new Map<string, number>();
  #isBroken = false;

  constructor(guests: GuestStore, log: Logger) {
    this.#guests = guests;
    this.#log = log;
  }

  /** Whether a state of that revision is news; it then counts as heard. */
  advance(id: string, revision: number): boolean {
    if (revision <= (this.#latest.get(id) ?? 0)) return false;
    this.#latest.set(id, revision);
    return true;
  }

  /** Notes that the state of that revision could not be stored: it counts when it is told again. */
  retract(id: string, revision: number): void {
    if (this.#latest.get(id) === revision) this.#latest.delete(id);
  }

  /**
   * Stores a state that a sub-agent reported, unless a later one was heard or the guest is not ours. One that cannot
   * be stored does not count as heard.
   */
  async report({ id, state, vnc, revision }: GuestState): Promise<void> {
    if (!this.#isFollowed(id) || !this.advance(id, revision)) return;
    if (!(await this.#store(id, withState(state, vnc)))) this.retract(id, revision);
  }

  /**
   * Notes that nobody can tell the guest's state now. The next report counts, whatever its revision.
   * @returns false when that could not be stored
   */
  async lose(id: string): Promise<boolean> {
    this.#latest.delete(id);
    return !this.#isFollowed(id) || this.#store(id, withState('unknown'));
  }

  /** The guests that are not among the `known` ones. */
  others(known: ReadonlySet<string>): string[] {
    return this.#guests.list().flatMap(({ id }) => (known.has(id) ? [] : id));
  }

  forget(id: string): void {
    this.#latest.delete(id);
  }

  /** A guest whose creation runs or has failed gets its state from that alone. */
  #isFollowed(id: string): boolean {
    const guest = this.#guests.find(id);
    return guest !== undefined && guest.state !== 'create' && guest.state !== 'error';
  }

  /** False when it cannot be stored. That a guest is gone by then is no failure. */
  async #store(id: string, change: (guest: Guest) => Guest): Promise<boolean> {
    try {
      await this.#guests.update(id, change);
      this.#isBroken = false;
    } catch (error) {
      if (!this.#guests.find(id)) return true;
      // On a full disk they all fail, and are tried again and again.
      if (!this.#isBroken)
        this.#log.error({ guest: id }, `guests' states cannot be stored: ${errorMessage(error)}`);
      this.#isBroken = true;
      return false;
    }
    return true;
  }
}
