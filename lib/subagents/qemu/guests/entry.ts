import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import { diskSerial } from '../../../model/disks.js';
import type { Metadata } from '../../../model/guest.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestPaths } from '../layout.js';
import { type GuestRecord, type RebootRecord, saveRecord } from './records.js';
import type { Watch } from './watch.js';

/** A guest still on after this has most likely cancelled its shutdown. */
const SHUTDOWN_MEMORY_MS = 15 * 60_000;

/** The end of a guest's run that is not saved yet, or not cleaned up after. */
export interface UnfinishedEnd {
  crashed: boolean;
  reason: string | undefined;
  /** Whether the guest shut itself down. */
  readonly halted: boolean;
}

/** A copy of the memory of a guest that is being made for a snapshot: see `Checkpoint`. */
export interface MemoryCopy {
  complete(): Promise<unknown>;
  abort(reason: unknown): Promise<void>;
}

/** A defined guest. */
export class Entry {
  readonly id: string;
  readonly paths: GuestPaths;
  /** Set while its QEMU runs. */
  watch: Watch | undefined;
  /** Set until the end of its last run is saved and cleaned up after; its start and its deletion clean up themselves. */
  unfinishedEnd: UnfinishedEnd | undefined;
  /** Set while its memory is being copied for a snapshot. */
  checkpoint: MemoryCopy | undefined;
  /** Whether the TPM has ended in the guest's present run. */
  hasLostTpm = false;
  /** What a start has to say that was completed without its caller: the next call says it. */
  readonly untold: string[] = [];
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

  /** Records the disks' serial numbers, which the definitions of earlier versions lack. */
  async setSerials(): Promise<void> {
    const { definition } = this.#record;
    if (definition.disks.every(({ serial }) => serial)) return;
    const disks = definition.disks.map((disk, n) => ({ ...disk, serial: diskSerial(this.id, n) }));
    await this.update({ definition: { ...definition, disks } });
  }

  /**
   * Gives the next start a seed of the guest's current metadata.
   * @returns whether the seed changes
   */
  async setSeedMetadata(metadata: Metadata): Promise<boolean> {
    const { definition, seedRevision = 0 } = this.#record;
    if (isDeepStrictEqual(metadata, definition.metadata ?? {})) return false;
    await this.update({ definition: { ...definition, metadata }, seedRevision: seedRevision + 1 });
    return true;
  }

  async setCrashed(crashed: boolean): Promise<void> {
    if (this.#record.crashed !== crashed) await this.update({ crashed });
    if (this.unfinishedEnd) this.unfinishedEnd.crashed = crashed;
  }

  /** Records the reboot that is under way, with its options, or clears the record of one. */
  async setRebooting(reboot: RebootRecord | undefined): Promise<void> {
    const rebooting = reboot !== undefined;
    if (rebooting || (this.#record.rebooting ?? false)) await this.update({ rebooting, reboot });
  }

  async setToldToShutDown(told: number | undefined): Promise<void> {
    if (this.#record.toldToShutDown !== told) await this.update({ toldToShutDown: told });
  }

  /** Whether the guest was asked to shut down recently and may still do so. */
  get mayBeShuttingDown(): boolean {
    return Date.now() - (this.#record.toldToShutDown ?? 0) < SHUTDOWN_MEMORY_MS;
  }

  /**
   * The refusal of a command that the guest's state forbids.
   * @param advice what to do instead
   */
  stateError(state: string, advice: string): Error {
    const message = `guest ${this.id} is ${state}: ${advice}`;
    // An unknown state is a fault of its QEMU.
    return state === 'unknown' ? new Error(message) : new Refusal('conflict', message);
  }
}
