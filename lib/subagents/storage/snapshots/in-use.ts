import { Refusal } from '../../../rpc/protocol/refusal.js';

/** Counts the readers of each snapshot. */
export class SnapshotsInUse {
  readonly #readers = new Map<string, number>();

  /**
   * Adds a reader.
   * @returns the function that removes it again
   */
  hold(id: string): () => void {
    this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    return () => {
      const left = (this.#readers.get(id) ?? 0) - 1;
      if (left > 0) this.#readers.set(id, left);
      else this.#readers.delete(id);
    };
  }

  /** @throws when one of the snapshots is being read */
  check(ids: string[]): void {
    const id = ids.find((each) => this.#readers.has(each));
    if (id !== undefined)
      throw new Refusal('conflict', `${id} is being downloaded: try again after the download`);
  }
}
