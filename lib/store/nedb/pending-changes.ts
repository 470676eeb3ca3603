import type { Change } from './document.js';

/** The changes that NeDB does not know of yet: of each document the last one, from the state that NeDB has of it. */
export class UntoldChanges {
  readonly #changes = new Map<string, Change>();

  note({ id, isStored, document }: Change): void {
    const isKnown = this.#changes.get(id)?.isStored ?? isStored;
    if (isKnown || document) this.#changes.set(id, { id, isStored: isKnown, document });
    else this.#changes.delete(id);
  }

  /** All of them, for NeDB to be told of. */
  take(): Change[] {
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    return changes;
  }

  /** What was taken and NeDB was not told of after all; what was noted since comes after it. */
  putBack(changes: readonly Change[]): void {
    const later = this.take();
    for (const change of [...changes, ...later]) this.note(change);
  }
}
