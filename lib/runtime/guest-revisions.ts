import type { GuestState } from '../rpc/messages.js';
import type { GuestStore } from '../store/guest-store.js';

/**
 * Puts what is heard of guests' states in order. A state comes in a stage's answer or over a sub-agent's state
 * stream, in any order; the one with the higher revision is the later one.
 */
export class GuestRevisions {
  readonly #guests: GuestStore;
  readonly #latest = new Map<string, number>();

  constructor(guests: GuestStore) {
    this.#guests = guests;
  }

  /** Whether a state of that revision is news; it then counts as heard. */
  advance(id: string, revision: number): boolean {
    if (revision <= (this.#latest.get(id) ?? 0)) return false;
    this.#latest.set(id, revision);
    return true;
  }

  /**
   * Stores a state that a sub-agent reported, unless a later one was heard or the guest is not ours.
   */
  async report({ id, state, vnc, revision }: GuestState): Promise<void> {
    if (!this.#isFollowed(id) || !this.advance(id, revision)) return;
    await this.#guests.update(id, ({ vnc: _, ...guest }) => ({ ...guest, state, ...(vnc ? { vnc } : {}) }));
  }

  /** Notes that nobody can tell the guest's state now. The next report counts, whatever its revision. */
  async lose(id: string): Promise<void> {
    this.#latest.delete(id);
    if (!this.#isFollowed(id)) return;
    await this.#guests.update(id, ({ vnc: _, ...guest }) => ({ ...guest, state: 'unknown' }));
  }

  /** Notes the same of every guest that is not among the `known` ones. */
  async loseOthers(known: ReadonlySet<string>): Promise<void> {
    const others = this.#guests.list().filter(({ id }) => !known.has(id));
    await Promise.all(others.map(({ id }) => this.lose(id)));
  }

  forget(id: string): void {
    this.#latest.delete(id);
  }

  /** A guest whose creation runs or has failed gets its state from that alone. */
  #isFollowed(id: string): boolean {
    const guest = this.#guests.find(id);
    return guest !== undefined && guest.state !== 'create' && guest.state !== 'error';
  }
}
