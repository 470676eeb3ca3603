import type { Change, StoredDocument } from './document.js';

/** The changes that the journal holds and NeDB does not have yet: the last one of each document. */
export class PendingChanges {
  readonly #documents = new Map<string, StoredDocument | undefined>();

  get size(): number {
    return this.#documents.size;
  }

  note({ id, document }: Change): void {
    this.#documents.set(id, document);
  }

  /** Removes and returns all of them. */
  take(): Change[] {
    const changes = this.all();
    this.#documents.clear();
    return changes;
  }

  /** Puts back what {@link take} returned, beneath the changes noted since. */
  putBack(changes: readonly Change[]): void {
    for (const change of changes) if (!this.#documents.has(change.id)) this.note(change);
  }

  all(): Change[] {
    return Array.from(this.#documents, ([id, document]) => ({ id, document }));
  }
}
