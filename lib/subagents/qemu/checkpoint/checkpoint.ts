import { mkdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { MB } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import type { CheckpointFiles } from '../../shared/checkpoint-files.js';
import { describeBytes, ProgressReporter } from '../../shared/download/progress.js';
import type { Entry, MemoryCopy } from '../guests/entry.js';
import type { Guests } from '../guests/guests.js';
import { readLiveSize } from '../guests/live-size.js';
import type { Watch } from '../guests/watch.js';
import { type Version, versionText } from '../machine/capabilities.js';
import { resumeAfterSave, runAfterSending, sendLive } from '../saved-memory/migration.js';
import { receiveMemory } from '../saved-memory/receive.js';
import { DEVICES_MB, OVERHEAD } from '../saved-memory/save.js';
import { hardwareOf } from './hardware.js';
import { type CheckpointRecord, writeCheckpoint } from './record.js';
import { copyTpmState } from './tpm-state.js';

/** How long the guest is halted at most while the snapshot of its disks is taken. */
const HOLD_MS = 60_000;
/** QEMU sends pages again that the guest changes meanwhile. Past this multiple of its memory, the guest is halted. */
const LONG = 1.5;

interface CheckpointOptions {
  guests: Guests;
  entry: Entry;
  watch: Watch;
  /** The directory of its disks. */
  guestDir: string;
  /** Where the memory goes. */
  files: CheckpointFiles;
  /** The job that takes it. */
  job: string | undefined;
  context: Pick<CallContext, 'progress' | 'log'>;
}

/**
 * A copy of the memory of a guest, which runs on meanwhile. The guest is halted when all but a rest is copied, until
 * `complete` has copied that, too.
 */
export class Checkpoint implements MemoryCopy {
  /** Resolves once the guest is halted, and rejects when its memory cannot be copied; the guest runs on then. */
  readonly held: Promise<void>;
  readonly #options: CheckpointOptions;
  readonly #stop = new AbortController();
  readonly #done: Promise<CheckpointRecord>;
  #complete: () => void = () => undefined;

  constructor(options: CheckpointOptions) {
    this.#options = options;
    const completed = new Promise<void>((resolve) => {
      this.#complete = resolve;
    });
    let onHeld = (): void => undefined;
    const isHeld = new Promise<void>((resolve) => {
      onHeld = resolve;
    });
    this.#done = this.#run(async () => {
      onHeld();
      await this.#holdUntil(completed);
    });
    this.held = Promise.race([isHeld, this.#done.then(() => undefined)]);
  }

  /**
   * Copies the rest and lets the guest run.
   * @throws when that fails, or the guest was let run before
   */
  complete(): Promise<CheckpointRecord> {
    this.#complete();
    return this.#done;
  }

  /** Lets the guest run and removes the copy. */
  async abort(reason: unknown): Promise<void> {
    this.#stop.abort(reason);
    await this.#done.catch(() => undefined);
  }

  async #holdUntil(completed: Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    const timer = setTimeout(() => this.#stop.abort(this.#late()), HOLD_MS);
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([completed, aborted]);
      signal.throwIfAborted();
    } finally {
      clearTimeout(timer);
    }
  }

  #late(): Error {
    return new Refusal(
      'conflict',
      `guest ${this.#options.entry.id} was halted for ${HOLD_MS / 1000} s, and runs again: its disks could not be captured in that time`,
    );
  }

  async #run(onHeld: () => Promise<void>): Promise<CheckpointRecord> {
    const { entry, watch, files, context } = this.#options;
    try {
      await entry.update({ saving: { paused: false, forSnapshot: true } });
      watch.isBeingCopied = true;
      await rm(files.dir, { recursive: true, force: true });
      await mkdir(files.dir, { recursive: true, mode: 0o700 });
      const record = await this.#copy(onHeld);
      await entry.update({ saving: undefined });
      await writeCheckpoint(files, record);
      return record;
    } catch (error) {
      await resumeAfterSave(entry, watch).catch((failure: unknown) =>
        context.log.error({ err: failure, guest: entry.id }, `guest not resumed: ${errorMessage(failure)}`),
      );
      await rm(files.dir, { recursive: true, force: true });
      throw error;
    } finally {
      watch.isBeingCopied = false;
      entry.checkpoint = undefined;
    }
  }

  async #copy(onHeld: () => Promise<void>): Promise<CheckpointRecord> {
    const { guests, entry, watch, guestDir, files, job, context } = this.#options;
    const { memorySocket } = entry.paths;
    const { base, growth } = await readLiveSize(watch);
    const hardware = await hardwareOf(entry);
    const memoryBytes = (base + (growth?.size ?? 0)) * MB;
    let sent = 0;
    let at = 0;
    const reporter = new ProgressReporter();
    reporter.listen(context.progress);
    const onBytes = (done: number): void => {
      sent = done;
      reporter.set(...describeBytes(done, undefined));
    };
    const options = {
      ...{ uid: entry.record.uid, signal: this.#stop.signal, onBytes },
      maxBytes: Math.ceil(memoryBytes * (LONG + 1) * OVERHEAD + DEVICES_MB * MB),
    };
    const send = async (signal: AbortSignal): Promise<void> => {
      const isLong = (): boolean => sent > memoryBytes * LONG;
      const hold = async (): Promise<void> => {
        at = Date.now();
        reporter.end();
        if (hardware.machine.tpm) await copyTpmState(guestDir, files);
        await onHeld();
      };
      await sendLive(watch, basename(memorySocket), { signal, isLong, onHeld: hold });
      await runAfterSending(watch);
    };
    try {
      const bytes = await receiveMemory({ memory: files.memory, memorySocket }, options, send);
      const qemu = versionText(await watch.execute<Version>('query-version'));
      return { saved: { at, bytes, base, qemu, accel: guests.host.program.accel }, hardware, job };
    } finally {
      reporter.end();
    }
  }
}
