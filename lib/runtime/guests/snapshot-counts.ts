/** The numbers of the guests' snapshots, as they were last listed, and the snapshots that are being created. */
export class SnapshotCounts {
  readonly #counts = new Map<string, number>();
  #creating = 0;

  get(guest: string): number | undefined {
    return this.#counts.get(guest);
  }

  set(guest: string, count: number): void {
    this.#counts.set(guest, count);
  }

  /** Forgets a count that an action may have changed. */
  changed(guest: string): void {
    this.#counts.delete(guest);
  }

  /** How many snapshots are being created. */
  get creating(): number {
    return this.#creating;
  }

  begin(): void {
    this.#creating += 1;
  }

  end(): void {
    this.#creating -= 1;
  }
}
