import pLimit, { type LimitFunction } from 'p-limit';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import type { GuestState } from '../../../rpc/protocol/messages.js';
import type { GuestStates } from '../../../rpc/server/guest-states.js';
import { notFound } from '../../shared/errors.js';
import { clearHalted, markHalted } from '../../shared/guest-run-dir.js';
import type { GuestPaths } from '../layout.js';
import type { Definition } from '../machine/definition.js';
import { findQemu } from '../process/process.js';
import { clearRun, type Host, killAndWait, launch } from './launch.js';
import { type GuestRecord, loadRecords, removeRecord, saveRecord } from './records.js';
import { END_WAIT_MS, type End, Watch } from './watch.js';

const SETTLE_TIMEOUT_MS = 10_000;

/** A guest that is defined. */
export interface Entry {
  readonly id: string;
  readonly paths: GuestPaths;
  /** Changed only once the change is on the disk. */
  record: GuestRecord;
  /** There while its QEMU runs. */
  watch?: Watch;
  /** How often the guest was told to be in another state: what was begun before must not undo that. */
  orders: number;
  /** The end of a guest's run is noted whatever else is being changed: a record is saved one change at a time. */
  readonly saving: LimitFunction;
}

const newEntry = (paths: GuestPaths, record: GuestRecord): Entry => ({
  id: paths.id,
  paths,
  record,
  orders: 0,
  saving: pLimit(1),
});

/** What is wrong when a guest's state forbids something, and what to do instead. */
export const refuse = (entry: Entry, state: string, advice: string): Error =>
  new Error(`guest ${entry.id} is ${state}: ${advice}`);

/** The guests of this host: what is kept of them, their processes, and their states. */
export class Guests {
  readonly host: Host;
  readonly states: GuestStates;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #locks = new Map<string, { limit: LimitFunction; users: number }>();

  constructor(host: Host, states: GuestStates, log: Logger) {
    this.host = host;
    this.states = states;
    this.#log = log;
  }

  /** Reads all records and finds out how their guests are: running on, ended, or killed meanwhile. */
  async recover(): Promise<void> {
    const records = await loadRecords(this.host.layout, this.#log);
    await Promise.all(
      records.map((record) =>
        this.#recoverOne(record).catch((error) =>
          this.#log.error({ err: error, guest: record.definition.id }, errorMessage(error)),
        ),
      ),
    );
  }

  /** Lets go of all guests; they run on. */
  close(): void {
    for (const { watch } of this.#entries.values()) watch?.close();
  }

  all(): Entry[] {
    return [...this.#entries.values()];
  }

  find(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** @throws when the guest is not defined here */
  get(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw notFound(`guest ${id}`);
    return entry;
  }

  /** Runs what changes a guest, one at a time for each guest. */
  async exclusively<Result>(id: string, change: () => Promise<Result>): Promise<Result> {
    const lock = this.#locks.get(id) ?? { limit: pLimit(1), users: 0 };
    this.#locks.set(id, lock);
    lock.users += 1;
    try {
      return await lock.limit(change);
    } finally {
      lock.users -= 1;
      if (lock.users === 0) this.#locks.delete(id);
    }
  }

  /** The guest's state, asked of its QEMU. */
  async state(entry: Entry): Promise<GuestState> {
    await entry.watch?.refresh();
    return this.lastState(entry);
  }

  /** The guest's state as it was when something was last heard of it. */
  lastState(entry: Entry): GuestState {
    return this.states.get(entry.id) ?? this.states.set(entry.id, 'unknown');
  }

  /**
   * The guest's watch while it runs, `undefined` when it is off. One that has shut down is waited for: its QEMU takes
   * no more commands.
   * @throws when it still has not ended then
   */
  async running(entry: Entry): Promise<Watch | undefined> {
    const { state } = await this.state(entry);
    if (state === 'shutdown' && entry.watch && !(await entry.watch.goneWithin(END_WAIT_MS)))
      throw refuse(entry, state, 'its QEMU has not ended yet: try again later, or power it off');
    return entry.watch;
  }

  /** Keeps a definition; the guest must not be running. */
  async define(definition: Definition): Promise<Entry> {
    const { id } = definition;
    const paths = this.host.layout.paths(id);
    const known = this.#entries.get(id);
    const record = { ...known?.record, definition, crashed: false };
    await saveRecord(paths, record);
    const entry = known ?? newEntry(paths, record);
    entry.record = record;
    this.#entries.set(id, entry);
    this.states.set(id, 'shutoff');
    return entry;
  }

  /** Forgets a guest; it must not be running. */
  async forget(id: string): Promise<void> {
    const paths = this.host.layout.paths(id);
    await clearHalted(paths);
    await removeRecord(paths);
    this.host.uids?.release(id);
    this.#entries.delete(id);
    this.states.remove(id);
  }

  /**
   * Starts a guest that is off.
   * @throws with the reason; nothing of the start is left then
   */
  async start(entry: Entry): Promise<void> {
    // The start of a sub-agent that was killed meanwhile may have succeeded.
    if ((await findQemu(entry.paths)) === undefined) {
      await this.#haveUid(entry);
      await this.setCrashed(entry, false);
      await launch(this.host, entry.record, entry.paths);
    }
    const watch = this.#watch(entry);
    await this.setRebooting(entry, false);
    await Promise.race([watch.settled, watch.goneWithin(SETTLE_TIMEOUT_MS)]);
    if (!entry.watch) throw new Error(`guest ${entry.id}: its QEMU ended right after the start`);
  }

  async setCrashed(entry: Entry, crashed: boolean): Promise<void> {
    if (entry.record.crashed !== crashed) await this.#save(entry, { crashed });
  }

  async setRebooting(entry: Entry, rebooting: boolean): Promise<void> {
    if ((entry.record.rebooting ?? false) !== rebooting) await this.#save(entry, { rebooting });
  }

  #save(entry: Entry, change: Partial<GuestRecord>): Promise<void> {
    return entry.saving(async () => {
      const record = { ...entry.record, ...change };
      await saveRecord(entry.paths, record);
      entry.record = record;
    });
  }

  /** Gives a guest a user of its own, for as long as it is defined. */
  async #haveUid(entry: Entry): Promise<void> {
    const { uids } = this.host;
    if (!uids || entry.record.uid !== undefined) return;
    try {
      await this.#save(entry, { uid: uids.claim(entry.id) });
    } catch (error) {
      uids.release(entry.id);
      throw error;
    }
  }

  /** Its uid, unless another guest's record has the same. */
  #adoptUid({ uid, ...record }: GuestRecord): GuestRecord {
    if (uid === undefined) return record;
    if (this.host.uids?.adopt(record.definition.id, uid) ?? true) return { ...record, uid };
    this.#log.error({ guest: record.definition.id, uid }, 'another guest has that uid: it gets a new one');
    return record;
  }

  async #recoverOne(found: GuestRecord): Promise<void> {
    const { id } = found.definition;
    const paths = this.host.layout.paths(id);
    const record = this.#adoptUid(found);
    const entry = newEntry(paths, record);
    this.#entries.set(id, entry);
    this.states.set(id, 'unknown');
    // What was coming up when the last sub-agent was killed: nobody was told that it runs.
    if ((await findQemu(paths)) === undefined) await killAndWait(paths);
    const watch = this.#watch(entry);
    await Promise.race([watch.settled, watch.goneWithin(SETTLE_TIMEOUT_MS)]);
  }

  #watch(entry: Entry): Watch {
    const watch = new Watch({
      id: entry.id,
      paths: entry.paths,
      states: this.states,
      log: this.#log.child({ guest: entry.id }),
      onGone: (end) => this.#onGone(entry, end),
    });
    entry.watch = watch;
    return watch;
  }

  async #onGone(entry: Entry, end: End): Promise<void> {
    const crashed = end.crashed || entry.record.crashed;
    try {
      await this.setCrashed(entry, crashed);
      await clearRun(this.host, entry.id, entry.paths);
      if (end.halted) await markHalted(entry.paths);
    } finally {
      delete entry.watch;
      this.states.set(entry.id, crashed ? 'crashed' : 'shutoff');
    }
    this.#log.info({ guest: entry.id, crashed }, 'the guest is off');
  }
}
