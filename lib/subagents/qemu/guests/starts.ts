import type { Logger } from '../../../log.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import { bootingOnce } from '../machine/boot-index.js';
import type { Definition } from '../machine/definition.js';
import type { MachineIdentity } from '../machine/identity.js';
import { discardUnloadable, fittingMemory } from '../saved-memory/fitting.js';
import { LoadError, requireSameCpu, requireWhole } from '../saved-memory/load.js';
import type { SavedMemory } from '../saved-memory/saved-memory.js';
import { tpmOwner } from '../tpm/paths.js';
import { discardWarm } from '../warm/discard.js';
import { resumptionOf, type WarmStarts } from '../warm/warm-starts.js';
import { changeNvram } from './change-nvram.js';
import type { Entry } from './entry.js';
import { findMedia } from './find-media.js';
import { type Host, type Launched, launch } from './launch.js';
import type { Machines } from './machines.js';
import { dropRemovedNics } from './nics/removal.js';
import { startDefinition } from './pending.js';
import type { StartOptions } from './power-options.js';
import type { GuestRecord } from './records.js';
import { withoutRemoved } from './removed-disks.js';
import { shownReason } from './shown-reason.js';

/** What a guest was resumed with, instead of booting. */
export interface Resumed {
  /** When its memory was saved, in milliseconds since 1970. */
  at: number;
}

/** What no longer concerns a guest that starts. */
const NO_RESUMPTION = { resumption: undefined, rewarming: undefined } as const;

interface Found {
  launched: Launched;
  resumed: Resumed;
}

const withoutNics = (record: GuestRecord): GuestRecord => ({
  ...record,
  definition: { ...record.definition, nics: [] },
});

export interface StartsOptions {
  host: Host;
  states: GuestStates;
  machines: Machines;
  log: Logger;
  warmStarts: WarmStarts;
}

/** Starts guests' QEMUs: with their saved memory, with that of their template, or afresh. */
export class Starts {
  readonly #host: Host;
  readonly #states: GuestStates;
  readonly #machines: Machines;
  readonly #log: Logger;
  readonly #warmStarts: WarmStarts;

  constructor({ host, states, machines, log, warmStarts }: StartsOptions) {
    this.#host = host;
    this.#states = states;
    this.#machines = machines;
    this.#log = log;
    this.#warmStarts = warmStarts;
  }

  /**
   * Starts the QEMU of a guest that is off.
   * @throws when QEMU cannot start; no process, tap or run directory is left then
   */
  async launch(entry: Entry, options: StartOptions): Promise<Launched & { resumed?: Resumed | undefined }> {
    await this.#assignUid(entry, 'uid', entry.id);
    // Clones would get the disks of this run with the memory of an earlier one.
    if (entry.record.warm) await discardWarm(this.#host, entry);
    if (entry.record.resumption || (entry.record.rewarming && !options.ram))
      await entry.update(options.ram ? { resumption: undefined } : NO_RESUMPTION);
    const found = (await this.#launchSaved(entry, options)) ?? (await this.#launchWarm(entry, options));
    if (found) return { ...found.launched, resumed: found.resumed };
    return this.#launchAfresh(entry, options);
  }

  /** Starts a guest's QEMU with all that waited for the start. */
  async #launchAfresh(entry: Entry, { boot, ram }: StartOptions): Promise<Launched> {
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
      const hardware = { machine: bootingOnce(machine, entry.record.bootOnce), media, ram };
      const record = withoutRemoved(entry.record);
      return launch(this.#host, ram ? withoutNics(record) : record, hardware, entry.paths);
    });
  }

  /**
   * Starts a guest's QEMU as it was when the guest's memory was saved, and loads the memory.
   * @returns `undefined` for a guest without saved memory, and for one whose memory is discarded
   * @throws {Refusal} `conflict` when the memory does not load, unless `force` allows discarding it
   */
  async #launchSaved(entry: Entry, options: StartOptions): Promise<Found | undefined> {
    if (!entry.record.saved) return undefined;
    const { capacity, layout } = this.#host;
    const discard = { ...options, requireRoom: () => capacity.check(startDefinition(entry.record)) };
    const saved = await fittingMemory(entry, layout.diskDirs, discard);
    try {
      if (saved) return { launched: await this.#launchWith(entry, saved), resumed: { at: saved.at } };
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
      const markUsed = () => entry.update({ saved: { ...saved, used: true } });
      const memory = { state: entry.paths.memory, markUsed };
      // Memory that was added while the guest ran is in the state of a device.
      const record = { ...entry.record, definition: { ...definition, memory: saved.base } };
      return launch(this.#host, record, { machine, media, memory }, entry.paths);
    });
  }

  /** Resumes a guest's first start with the memory of its template. A failure leaves a guest that can boot. */
  async #launchWarm(entry: Entry, options: StartOptions): Promise<Found | undefined> {
    const warm = await this.#warmStarts.find(entry, options);
    if (!warm) return undefined;
    const { ram, state } = warm;
    try {
      const machine = await this.#machines.prepareResumed(entry);
      const { definition } = entry.record;
      const launched = await this.#withCapacity(definition, async () => {
        await entry.setSerials();
        const media = await findMedia(entry, machine, this.#host.layout.diskDirs, this.#log);
        // From then on its disks are no longer those that the memory belongs to.
        const resumption = resumptionOf(warm);
        const memory = { state, ram, markUsed: () => entry.update({ warmFrom: undefined, resumption }) };
        return launch(this.#host, entry.record, { machine, media, memory }, entry.paths);
      });
      return { launched, resumed: { at: Date.parse(warm.warm.at) } };
    } catch (error) {
      this.#host.sharedRam.leave(entry.id);
      if (error instanceof Refusal) throw error;
      await this.#warmStarts.failed(entry, resumptionOf(warm), error, options);
      return undefined;
    }
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
}
