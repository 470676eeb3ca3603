import { stat } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { ChildExit } from '../../../process/child-exit.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import { bootingOnce } from '../machine/boot-index.js';
import type { Definition } from '../machine/definition.js';
import type { MachineIdentity } from '../machine/identity.js';
import { findQemu } from '../process/process.js';
import { discardUnloadable, fittingMemory } from '../saved-memory/fitting.js';
import { LoadError, requireSameCpu, requireWhole } from '../saved-memory/load.js';
import { NO_MEMORY, removeMemory, SAVED_REASON, type SavedMemory } from '../saved-memory/saved-memory.js';
import { tpmOwner, tpmPaths } from '../tpm/paths.js';
import { isSwtpmAlive } from '../tpm/swtpm.js';
import { adoptLiveSize } from './adopt-size.js';
import { endBootOnce } from './boot-order.js';
import { changeNvram } from './change-nvram.js';
import type { Ends } from './ends.js';
import type { Entry } from './entry.js';
import { findMedia } from './find-media.js';
import { type Host, killAndWait, type Launched, launch } from './launch.js';
import type { Machines } from './machines.js';
import { dropRemovedNics } from './nics/removal.js';
import { startDefinition } from './pending.js';
import type { StartOptions } from './power-options.js';
import { releaseRemoved, withoutRemoved } from './removed-disks.js';
import type { RunOutcome } from './run-end.js';
import { shownReason } from './shown-reason.js';
import { Watch, type WatchOptions } from './watch.js';

const STATE_TIMEOUT_MS = 10_000;

/** Waits until the guest's state is known, or its QEMU has exited. */
const waitForState = async (watch: Watch): Promise<void> => {
  await Promise.race([watch.stateKnown, watch.exitedWithin(STATE_TIMEOUT_MS)]);
};

/** Starts guests' QEMUs, finds those of an earlier sub-agent again, and records how each run ends. */
export class Runs {
  readonly #host: Host;
  readonly #states: GuestStates;
  readonly #machines: Machines;
  readonly #ends: Ends;
  readonly #log: Logger;
  readonly #onDeviceDeleted: (entry: Entry) => void;

  /** @param onDeviceDeleted called when a running guest has let go of a device */
  constructor(
    host: Host,
    states: GuestStates,
    machines: Machines,
    ends: Ends,
    log: Logger,
    onDeviceDeleted: (entry: Entry) => void,
  ) {
    this.#host = host;
    this.#onDeviceDeleted = onDeviceDeleted;
    this.#states = states;
    this.#machines = machines;
    this.#ends = ends;
    this.#log = log;
  }

  /**
   * Starts a guest that is off, or resumes it with its saved memory. Its state is known afterwards.
   * @returns the memory that it was resumed with
   * @throws when QEMU cannot start; no process, tap or run directory is left then
   */
  async start(entry: Entry, options: StartOptions = {}): Promise<SavedMemory | undefined> {
    let exit: Promise<ChildExit> | undefined;
    let resumed: SavedMemory | undefined;
    // An earlier sub-agent may have completed this start before it was killed.
    if ((await findQemu(entry.paths)) === undefined) {
      await this.#assignUid(entry, 'uid', entry.id);
      const { saved } = entry.record;
      const launched = await this.#launchSaved(entry, options);
      if (launched) resumed = saved;
      ({ exit } = launched ?? (await this.#launchAfresh(entry, options)));
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
    if (entry.watch) this.#host.capacity.take(entry.record.definition);
    await this.#machines.adopt(entry);
    await this.#machines.describe(entry);
  }

  /** Starts a guest's QEMU with all that waited for the start. */
  async #launchAfresh(entry: Entry, { boot }: StartOptions): Promise<Launched> {
    if (entry.record.bootOnce !== boot) await entry.update({ bootOnce: boot });
    const machine = await this.#machines.prepare(entry);
    if (machine.tpm) await this.#assignUid(entry, 'tpmUid', tpmOwner(entry.id));
    const definition = startDefinition(entry.record);
    return this.#withCapacity(definition, async () => {
      await this.#applyPending(entry, definition, machine);
      await entry.setCrashed(false);
      await entry.setSerials();
      await dropRemovedNics(entry);
      const media = await findMedia(entry, machine, this.#host.layout.diskDirs, this.#log);
      const hardware = { machine: bootingOnce(machine, entry.record.bootOnce), media };
      return launch(this.#host, withoutRemoved(entry.record), hardware, entry.paths);
    });
  }

  /**
   * Starts a guest's QEMU as it was when the guest's memory was saved, and loads the memory.
   * @returns `undefined` for a guest without saved memory, and for one whose memory is discarded
   * @throws {Refusal} `conflict` when the memory does not load, unless `force` allows discarding it
   */
  async #launchSaved(entry: Entry, options: StartOptions): Promise<Launched | undefined> {
    if (!entry.record.saved) return undefined;
    const { capacity, layout } = this.#host;
    const discard = { ...options, requireRoom: () => capacity.check(startDefinition(entry.record)) };
    const saved = await fittingMemory(entry, layout.diskDirs, discard);
    try {
      if (saved) return await this.#launchWith(entry, saved);
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      await discardUnloadable(entry, error, discard);
    }
    this.#states.set(entry.id, 'shutoff', 0, shownReason(this.#host, entry));
    return undefined;
  }

  async #launchWith(entry: Entry, saved: SavedMemory): Promise<Launched> {
    const { program, layout } = this.#host;
    const machine = await this.#machines.prepareResumed(entry);
    const { version } = await program.capabilities();
    await requireWhole(entry.paths.memory, saved);
    requireSameCpu(saved, { version, accel: program.accel, cpuModel: machine.cpuModel });
    const { definition } = entry.record;
    return this.#withCapacity(definition, async () => {
      const media = await findMedia(entry, machine, layout.diskDirs, this.#log);
      const memory = { markUsed: () => entry.update({ saved: { ...saved, used: true } }) };
      // Memory that was added while the guest ran is in the state of a device.
      const record = { ...entry.record, definition: { ...definition, memory: saved.base } };
      return launch(this.#host, record, { machine, media, memory }, entry.paths);
    });
  }

  /** Runs a start. Its memory and vCPUs count from the check on, because other guests start meanwhile. */
  async #withCapacity(definition: Definition, run: () => Promise<Launched>): Promise<Launched> {
    const { capacity } = this.#host;
    capacity.check(definition);
    capacity.take(definition);
    try {
      return await run();
    } catch (error) {
      capacity.release(definition.id);
      throw error;
    }
  }

  /** Records what a start gives a guest that is off, all at once. */
  async #applyPending(entry: Entry, definition: Definition, machine: MachineIdentity): Promise<void> {
    const { record } = entry;
    if (!record.pending && !record.machine?.next) return;
    await changeNvram(this.#host, entry, machine);
    await entry.update({ definition, machine, pending: undefined });
  }

  /** Gives a guest a user of its own, which it keeps until it is deleted. */
  async #assignUid(entry: Entry, key: 'uid' | 'tpmUid', owner: string): Promise<void> {
    const { uids } = this.#host;
    if (!uids || entry.record[key] !== undefined) return;
    try {
      await entry.update({ [key]: uids.claim(owner) });
    } catch (error) {
      uids.release(owner);
      throw error;
    }
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
    this.#states.set(entry.id, crashed ? 'crashed' : 'shutoff', 0, shownReason(this.#host, entry, reason));
    this.#log.info({ guest: entry.id, crashed, reason }, 'guest is off');
  }
}
