import type { GuestState } from '../../rpc/protocol/sub-agent-events.js';
import type { GuestRevisions } from '../../runtime/guests/guest-revisions.js';

/** The guests that one sub-agent reports. Reports that could not be stored are kept and stored later. */
export class ReportedGuests {
  readonly #revisions: GuestRevisions;
  readonly #reportedIds: () => ReadonlySet<string>;
  /** The latest reports, possibly from an earlier connection. */
  #reports = new Map<string, GuestState>();
  /** Guests that it no longer reports and whose state `unknown` is not stored yet. */
  readonly #lost = new Set<string>();

  /** @param reportedIds returns the guests that any connected sub-agent reports */
  constructor(revisions: GuestRevisions, reportedIds: () => ReadonlySet<string>) {
    this.#revisions = revisions;
    this.#reportedIds = reportedIds;
  }

  get ids(): string[] {
    return [...this.#reports.keys()];
  }

  has(id: string): boolean {
    return this.#reports.has(id);
  }

  /** Replaces all reports. A guest that is no longer among them becomes `unknown`. */
  async replaceAll(states: readonly GuestState[]): Promise<void> {
    for (const id of this.#reports.keys()) this.#lost.add(id);
    this.#reports = new Map(states.map((state) => [state.id, state]));
    await this.retry();
  }

  async update(state: GuestState): Promise<void> {
    this.#reports.set(state.id, state);
    await this.#revisions.report(state);
  }

  remove(id: string): void {
    this.#reports.delete(id);
  }

  /** Stores what could not be stored before. */
  async retry(): Promise<void> {
    await Promise.all([...this.#reports.values()].map((state) => this.#revisions.report(state)));
    await this.markUnknown();
  }

  /** Sets these guests to `unknown`, and retries earlier failures, unless another sub-agent reports the guest. */
  async markUnknown(ids: readonly string[] = []): Promise<void> {
    for (const id of ids) this.#lost.add(id);
    const reported = this.#reportedIds();
    const mark = async (id: string): Promise<void> => {
      if (reported.has(id) || (await this.#revisions.markUnknown(id))) this.#lost.delete(id);
    };
    await Promise.all([...this.#lost].map(mark));
  }
}
