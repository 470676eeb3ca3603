import { Locks } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { GuestState } from '../../../rpc/protocol/sub-agent-events.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import { notFound } from '../../shared/errors.js';
import { clearHalted } from '../../shared/guest-run-dir.js';
import type { Definition } from '../machine/definition.js';
import type { MachineIdentity } from '../machine/identity.js';
import { findQemu } from '../process/process.js';
import { removeMemory } from '../saved-memory/saved-memory.js';
import { tpmOwner } from '../tpm/paths.js';
import { discardWarm } from '../warm/discard.js';
import { WarmStarts } from '../warm/warm-starts.js';
import { Ends } from './ends.js';
import { Entry } from './entry.js';
import { type Host, killAndWait } from './launch.js';
import { Machines } from './machines.js';
import { isRemovingNics, restoreLinks, settleNics } from './nics/settle.js';
import { withOwnUids } from './own-uids.js';
import { inSeconds, type PowerOptions, type StartOptions } from './power-options.js';
import { type GuestRecord, removeRecord } from './records.js';
import { Runs } from './runs.js';
import { shownReason } from './shown-reason.js';
import type { Resumed } from './starts.js';
import { OFF_STATES } from './state.js';
import { EXIT_WAIT_MS, type Watch } from './watch.js';

/** The guests that are defined on this host. */
export class Guests {
  readonly host: Host;
  readonly states: GuestStates;
  readonly machines: Machines;
  readonly warmStarts: WarmStarts;
  readonly #log: Logger;
  readonly #ends: Ends;
  readonly #runs: Runs;
  readonly #entries = new Map<string, Entry>();
  /** Whether guests are described by an earlier QEMU of this host. */
  #isOutdated = false;
  readonly #locks = new Locks();

  constructor(host: Host, states: GuestStates, log: Logger) {
    this.host = host;
    this.states = states;
    this.#log = log;
    this.machines = new Machines(host.program, states, log);
    const { machines } = this;
    this.#ends = new Ends({ host, machines, log, exclusively: (...change) => this.exclusively(...change) });
    this.warmStarts = new WarmStarts(host, (id) => this.find(id), log);
    this.#runs = new Runs({
      ...{ host, states, machines, log },
      ...{ ends: this.#ends, warmStarts: this.warmStarts },
      onDeviceDeleted: (entry) => void this.#settle(entry),
    });
  }

  /** Determines the states of the guests that an earlier sub-agent has recorded. */
  async recover(records: readonly GuestRecord[]): Promise<void> {
    await Promise.all(
      records.map((record) =>
        this.#recoverGuest(record).catch((error) =>
          this.#log.error({ err: error, guest: record.definition.id }, errorMessage(error)),
        ),
      ),
    );
  }

  /**
   * Notices that this host's QEMU was upgraded, and hardware that could not be found out before. Completes the removal
   * of devices.
   */
  async review(): Promise<void> {
    const { program } = this.host;
    for (const entry of this.all()) if (isRemovingNics(entry)) void this.#settle(entry);
    if (await program.isUpgraded()) this.#isOutdated = true;
    // While its package is being replaced, QEMU may not work.
    const works = await program.capabilities().then(
      () => true,
      () => false,
    );
    if (!works) return;
    const isOutdated = this.#isOutdated;
    this.#isOutdated = false;
    for (const entry of this.all()) {
      if (!isOutdated && entry.record.machine) continue;
      await this.machines.adopt(entry);
      await this.machines.describe(entry);
    }
  }

  /** Stops watching all guests; they keep running. */
  close(): void {
    for (const { watch } of this.#entries.values()) watch?.close();
    this.#ends.close();
  }

  all(): Entry[] {
    return [...this.#entries.values()];
  }

  find(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /**
   * Returns the id of the guest that has a MAC address on a network.
   * @param except the id of a guest to ignore
   */
  findMac(network: string, mac: string, except: string): string | undefined {
    const hasMac = ({ id, record: { definition } }: Entry): boolean =>
      id !== except && definition.nics.some((nic) => nic.network === network && nic.mac === mac);
    return this.all().find(hasMac)?.id;
  }

  /** @throws when the guest is not defined here */
  get(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw notFound(`guest ${id}`);
    return entry;
  }

  /** Runs the changes of one guest one at a time, in the order of the calls. */
  exclusively<Result>(id: string, change: () => Promise<Result>): Promise<Result> {
    return this.#locks.run(id, change);
  }

  /** Queries QEMU for the guest's state. */
  async state(entry: Entry): Promise<GuestState> {
    await entry.watch?.refresh();
    return this.lastState(entry);
  }

  /** The last known state, without a query. */
  lastState(entry: Entry): GuestState {
    return this.states.get(entry.id) ?? this.states.set(entry.id, 'unknown');
  }

  /**
   * Returns the guest's watch, or `undefined` when the guest is off. Waits for the QEMU of a guest that has shut down
   * to exit, because it no longer accepts commands.
   * @throws when that QEMU does not exit in time, unless `force` allows killing it
   */
  async running(
    entry: Entry,
    { timeoutMs = EXIT_WAIT_MS, force = false, note }: PowerOptions = {},
  ): Promise<Watch | undefined> {
    const { state } = await this.state(entry);
    if (state !== 'shutdown' || !entry.watch || (await entry.watch.exitedWithin(timeoutMs)))
      return entry.watch;
    const late = `its QEMU did not exit within ${inSeconds(timeoutMs)}`;
    if (!force)
      throw entry.stateError(
        state,
        `${late}, it may still be writing to its disks: try again later, or kill it (force=true, --force)`,
      );
    await killAndWait(entry.paths);
    await entry.watch?.exitedWithin(EXIT_WAIT_MS);
    note?.(`${late} and was killed (force)`);
    return entry.watch;
  }

  /** Shows at a guest that is off whether its switch ports are still to be removed. */
  showPorts(id: string): void {
    const entry = this.#entries.get(id);
    const { state } = this.states.get(id) ?? {};
    if (entry && state !== undefined && OFF_STATES.has(state))
      this.states.set(id, state, 0, shownReason(this.host, entry));
  }

  /**
   * Saves a definition, and the hardware if it is given. The guest must be off.
   * @throws {Refusal} `conflict` when another agent of this host has a guest with that id
   */
  async define(definition: Definition, machine?: MachineIdentity): Promise<Entry> {
    const { id } = definition;
    const change = {
      definition,
      pending: undefined,
      saved: undefined,
      ...{ warmFrom: undefined, resumption: undefined, rewarming: undefined },
      crashed: false,
      ...(machine ? { machine } : {}),
    };
    const known = this.#entries.get(id);
    const entry = known ?? new Entry(this.host.layout.paths(id), change);
    const save = (): Promise<void> => entry.update(change);
    await (known ? save() : this.host.claims.claim(id, save));
    if (known?.unfinishedEnd) known.unfinishedEnd.crashed = false;
    if (known) await removeMemory(known.paths);
    if (known?.record.warm) await discardWarm(this.host, known);
    this.#entries.set(id, entry);
    await this.machines.describe(entry);
    this.states.set(id, 'shutoff', 0, shownReason(this.host, entry));
    return entry;
  }

  /** Removes all files of a guest. The guest must be off. */
  async forget(id: string): Promise<void> {
    const paths = this.host.layout.paths(id);
    const entry = this.#entries.get(id);
    if (entry) {
      entry.unfinishedEnd = undefined;
      await discardWarm(this.host, entry);
    }
    await clearHalted(paths);
    await removeRecord(paths);
    this.host.uids?.release(id);
    this.host.uids?.release(tpmOwner(id));
    this.#entries.delete(id);
    this.states.remove(id);
  }

  /** Starts a guest that is off; see `Runs`. */
  start(entry: Entry, options?: StartOptions): Promise<Resumed | undefined> {
    return this.#runs.start(entry, options);
  }

  async #recoverGuest(found: GuestRecord): Promise<void> {
    const { id } = found.definition;
    const paths = this.host.layout.paths(id);
    const isRunning = (await findQemu(paths)) !== undefined;
    const record = withOwnUids(found, { uids: this.host.uids, isRunning, log: this.#log });
    const entry = new Entry(paths, record);
    this.#entries.set(id, entry);
    await this.#runs.recover(entry);
    await this.#settle(entry);
    await restoreLinks(entry).catch((error) =>
      this.#log.warn({ err: error, guest: id }, errorMessage(error)),
    );
  }

  /** Completes the removal of devices that the guest has let go of. Logs a failure; the next review tries again. */
  async #settle(entry: Entry): Promise<void> {
    await this.exclusively(entry.id, () => settleNics(this.host, this.machines, entry)).catch((error) =>
      this.#log.warn({ err: error, guest: entry.id }, `removed NICs not cleaned up: ${errorMessage(error)}`),
    );
  }
}
