import type { GuestState } from '../../rpc/protocol/messages.js';
import type { GuestRevisions } from '../../runtime/guests/guest-revisions.js';

/** The guests that a sub-agent has told of. What cannot be stored of them is kept, for when it can. */
export class ToldGuests {
  readonly #revisions: GuestRevisions;
  readonly #vouchedFor: () => ReadonlySet<string>;
  /** As they were told last, on an earlier connection perhaps. */
  #told = new Map<string, GuestState>();
  /** Those whose states it does not tell any more, which is still to be stored. */
  readonly #lost = new Set<string>();

  /** @param vouchedFor the guests whose states some connected sub-agent tells */
  constructor(revisions: GuestRevisions, vouchedFor: () => ReadonlySet<string>) {
    this.#revisions = revisions;
    this.#vouchedFor = vouchedFor;
  }

  get ids(): string[] {
    return [...this.#told.keys()];
  }

  /** Takes the states of all its guests. Those that it told of earlier, and now no longer, are lost. */
  async takeAll(states: readonly GuestState[]): Promise<void> {
    for (const id of this.#told.keys()) this.#lost.add(id);
    this.#told = new Map(states.map((state) => [state.id, state]));
    await this.catchUp();
  }

  async take(state: GuestState): Promise<void> {
    this.#told.set(state.id, state);
    await this.#revisions.report(state);
  }

  drop(id: string): void {
    this.#told.delete(id);
  }

  /** Stores what was told and is not stored yet. */
  async catchUp(): Promise<void> {
    await Promise.all([...this.#told.values()].map((state) => this.#revisions.report(state)));
    await this.lose();
  }

  /**
   * Notes that the states of these guests are unknown, unless another sub-agent tells them; and of those of which it
   * could not be stored before.
   */
  async lose(ids: readonly string[] = []): Promise<void> {
    for (const id of ids) this.#lost.add(id);
    const vouchedFor = this.#vouchedFor();
    const lose = async (id: string): Promise<void> => {
      if (vouchedFor.has(id) || (await this.#revisions.lose(id))) this.#lost.delete(id);
    };
    await Promise.all([...this.#lost].map(lose));
  }
}
