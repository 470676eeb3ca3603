import pLimit from 'p-limit';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestPaths } from '../layout.js';
import { type GuestRecord, saveRecord } from './records.js';
import type { Watch } from './watch.js';

/** A defined guest. */
export class Entry {
  readonly id: string;
  readonly paths: GuestPaths;
  /** Set while its QEMU runs. */
  watch: Watch | undefined;
  /** How many commands have set the power state. An operation that began before the latest one must not undo it. */
  commandCount = 0;
  #record: GuestRecord;
  /** Serializes updates: QEMU's exit is recorded at any time, also while a command changes the record. */
  readonly #queue = pLimit(1);

  constructor(paths: GuestPaths, record: GuestRecord) {
    this.id = paths.id;
    this.paths = paths;
    this.#record = record;
  }

  /** The record as it is on disk. */
  get record(): GuestRecord {
    return this.#record;
  }

  /** Changes the record, on disk first. */
  update(change: Partial<GuestRecord>): Promise<void> {
    return this.#queue(async () => {
      const record = { ...this.#record, ...change };
      await saveRecord(this.paths, record);
      this.#record = record;
    });
  }

  async setCrashed(crashed: boolean): Promise<void> {
    if (this.#record.crashed !== crashed) await this.update({ crashed });
  }

  async setRebooting(rebooting: boolean): Promise<void> {
    if ((this.#record.rebooting ?? false) !== rebooting) await this.update({ rebooting });
  }

  /**
   * The error for a command that the guest's state forbids.
   * @param advice what to do instead
   */
  stateError(state: string, advice: string): Error {
    const message = `guest ${this.id} is ${state}: ${advice}`;
    // An unknown state is a fault of its QEMU.
    return state === 'unknown' ? new Error(message) : new Refusal('conflict', message);
  }
}
