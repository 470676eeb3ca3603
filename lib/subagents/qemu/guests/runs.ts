import { stat } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { ChildExit } from '../../../process/child-exit.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import { findQemu } from '../process/process.js';
import { NO_MEMORY, removeMemory, SAVED_REASON } from '../saved-memory/saved-memory.js';
import { tpmPaths } from '../tpm/paths.js';
import { isSwtpmAlive } from '../tpm/swtpm.js';
import { adoptLiveSize } from './adopt-size.js';
import { endBootOnce } from './boot-order.js';
import type { Ends } from './ends.js';
import type { Entry } from './entry.js';
import { type Host, killAndWait } from './launch.js';
import type { Machines } from './machines.js';
import type { StartOptions } from './power-options.js';
import { releaseRemoved } from './removed-disks.js';
import type { RunOutcome } from './run-end.js';
import { shownReason } from './shown-reason.js';
import { type Resumed, Starts, type StartsOptions } from './starts.js';
import { Watch, type WatchOptions } from './watch.js';

const STATE_TIMEOUT_MS = 10_000;

/** Waits until the guest's state is known, or its QEMU has exited. */
const waitForState = async (watch: Watch): Promise<void> => {
  await Promise.race([watch.stateKnown, watch.exitedWithin(STATE_TIMEOUT_MS)]);
};

interface RunsOptions extends StartsOptions {
  ends: Ends;
  /** Called when a running guest has let go of a device. */
  onDeviceDeleted: (entry: Entry) => void;
}

/** Starts guests' QEMUs, finds those of an earlier sub-agent again, and records how each run ends. */
export class Runs {
  readonly #host: Host;
  readonly #states: GuestStates;
  readonly #machines: Machines;
  readonly #ends: Ends;
  readonly #log: Logger;
  readonly #starts: Starts;
  readonly #onDeviceDeleted: (entry: Entry) => void;

  constructor({ host, states, machines, ends, log, warmStarts, onDeviceDeleted }: RunsOptions) {
    this.#host = host;
    this.#onDeviceDeleted = onDeviceDeleted;
    this.#states = states;
    this.#machines = machines;
    this.#ends = ends;
    this.#log = log;
    this.#starts = new Starts({ host, states, machines, log, warmStarts });
  }

  /**
   * Starts a guest that is off, or resumes it with its saved memory or that of its template. Its state is known afterwards.
   * @returns what it was resumed with
   * @throws when QEMU cannot start; no process, tap or run directory is left then
   */
  async start(entry: Entry, options: StartOptions = {}): Promise<Resumed | undefined> {
    let exit: Promise<ChildExit> | undefined;
    let resumed: Resumed | undefined;
    // An earlier sub-agent may have completed this start before it was killed.
    if ((await findQemu(entry.paths)) === undefined) {
      ({ exit, resumed } = await this.#starts.launch(entry, options));
      entry.unfinishedEnd = undefined;
    }
    this.#host.capacity.take(entry.record.definition);
    const watch = this.#watch(entry, { exit });
    // The guest runs, even if a full disk cannot record it.
    await entry
      .update({ running: true, reason: undefined, toldToShutDown: undefined, ...NO_MEMORY })
      .then(() => resumed && removeMemory(entry.paths))
      .catch((error) =>
        this.#log.error(
          { err: error, guest: entry.id },
          `start of the guest not saved: ${errorMessage(error)}`,
        ),
      );
    await entry.setRebooting(undefined);
    await this.#machines.describe(entry);
    await waitForState(watch);
    await endBootOnce(entry);
    if (!entry.watch) throw new Error(`guest ${entry.id}: its QEMU exited right after the start`);
    return resumed;
  }

  /** Determines the state of a guest of an earlier sub-agent: still running, shut down, or crashed. */
  async recover(entry: Entry): Promise<void> {
    this.#states.set(entry.id, 'unknown');
    // Kills a QEMU that was still coming up when the earlier sub-agent was killed: its start was never reported.
    if ((await findQemu(entry.paths)) === undefined) await killAndWait(entry.paths);
    const started = await stat(entry.paths.pid).catch(() => undefined);
    await waitForState(this.#watch(entry, { bootedAt: started?.mtimeMs }));
    await adoptLiveSize(entry).catch((error) =>
      this.#log.warn({ err: error, guest: entry.id }, `size of the guest not known: ${errorMessage(error)}`),
    );
    await endBootOnce(entry).catch((error) =>
      this.#log.warn({ err: error, guest: entry.id }, `boot order not reset: ${errorMessage(error)}`),
    );
    if (entry.watch) this.#count(entry);
    await this.#machines.adopt(entry);
    await this.#machines.describe(entry);
  }

  #count({ id, record: { definition, resumption } }: Entry): void {
    const { capacity, sharedRam } = this.#host;
    capacity.take(definition);
    if (resumption) sharedRam.use(id, { id: resumption.warm, size: resumption.size });
  }

  #watch(entry: Entry, begun: Pick<WatchOptions, 'bootedAt' | 'exit'>): Watch {
    const watch = new Watch({
      id: entry.id,
      paths: entry.paths,
      states: this.#states,
      log: this.#log.child({ guest: entry.id }),
      ...begun,
      onDeviceDeleted: (device) => {
        void releaseRemoved(entry, watch, device).catch((error) =>
          this.#log.warn({ err: error, guest: entry.id }, `removed disk still open: ${errorMessage(error)}`),
        );
        this.#onDeviceDeleted(entry);
      },
      onExit: (outcome) => this.#onExit(entry, outcome),
      onBeat: () => this.#checkTpm(entry),
    });
    entry.watch = watch;
    entry.hasLostTpm = false;
    return watch;
  }

  /** Notices that the TPM of a running guest has ended. */
  async #checkTpm(entry: Entry): Promise<void> {
    if (!entry.record.machine?.tpm || entry.hasLostTpm || (await isSwtpmAlive(tpmPaths(entry.paths)))) return;
    // It also ends with its QEMU, just before that is noticed.
    if ((await findQemu(entry.paths)) === undefined) return;
    entry.hasLostTpm = true;
    this.#log.warn({ guest: entry.id }, 'TPM of the guest has ended');
    await this.#machines.describe(entry);
  }

  async #onExit(entry: Entry, outcome: RunOutcome): Promise<void> {
    const { record } = entry;
    const isSaved = record.saved !== undefined && !record.saved.used;
    const crashed = !isSaved && (outcome.crashed || record.crashed);
    // Nothing is left of a run that ended with its host.
    const lost = record.running && outcome.isLost ? 'killed' : record.reason;
    const reason = isSaved ? SAVED_REASON : (outcome.reason ?? lost);
    await this.#ends.finish(entry, { crashed, reason, halted: outcome.halted });
    entry.watch = undefined;
    this.#host.capacity.release(entry.id);
    this.#host.sharedRam.leave(entry.id);
    this.#states.set(entry.id, crashed ? 'crashed' : 'shutoff', 0, shownReason(this.#host, entry, reason));
    this.#log.info({ guest: entry.id, crashed, reason }, 'guest is off');
  }
}
