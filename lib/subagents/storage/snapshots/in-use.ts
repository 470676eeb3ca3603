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

  /** Returns those of the snapshots that are being read. */
  among(ids: string[]): string[] {
    return ids.filter((id) => this.#readers.has(id));
  }
}
