import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { guestKey } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { replaceFile, sync } from '../../../files/atomic-files.js';
import { type Consistency, snapshotId } from '../../../model/snapshot.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { requireNoBackup } from '../backups/require-none.js';
import { withMonitor } from '../running-guest.js';
import { prepareSnapshot } from '../snapshots/create.js';
import { prepareDeletion } from '../snapshots/delete.js';
import { deleteFrom } from '../snapshots/delete-from.js';
import type { SnapshotDeps } from '../snapshots/deps.js';
import { disksWithSnapshot, listSnapshots } from '../snapshots/lookup.js';
import { recoverGuest } from '../snapshots/recover.js';
import { diskSnapshotId, membersOf, type Selection, select } from '../snapshots/select.js';
import { requireNotTorn } from '../snapshots/torn.js';
import type { StoredDisk } from '../stored.js';

/** All disks of a guest at one instant, until it is closed. */
export interface Moment {
  /** The name of its snapshot. */
  snapshot: string;
  disks: StoredDisk[];
  /** The UEFI variables, if the guest uses some. */
  nvram: StoredDisk | undefined;
  /** As in RFC 3339. */
  created: string;
  consistency: Consistency;
  /** Removes it, now or as soon as that is possible. Close all readers first. */
  close(): Promise<void>;
}

/** What moments are for: the beginning of the names of their snapshots. */
const PURPOSES = ['export', 'clone'] as const;
type Purpose = (typeof PURPOSES)[number];

const NAME = new RegExp(`^(${PURPOSES.join('|')})-[0-9a-f]{8}$`);

/** Separates the guest from the snapshot in the name of a record. */
const SEPARATOR = '@';

/**
 * Captures guests by snapshots that it removes again. A record on disk names each one, so that the next process can
 * remove those of a killed one.
 */
export class Moments {
  readonly #deps: SnapshotDeps;
  readonly #dir: string;

  /** @param dir the directory of the records */
  constructor(deps: SnapshotDeps, dir: string) {
    this.#deps = deps;
    this.#dir = dir;
  }

  /** Removes what an earlier process left, in the background. */
  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#dir)) {
      const [guest = '', snapshot] = name.split(SEPARATOR);
      if (snapshot !== undefined && NAME.test(snapshot)) this.#removeLater(guest, snapshot);
      else await rm(join(this.#dir, name), { force: true });
    }
  }

  /** Checks what `take` would find, and changes nothing. */
  check(guest: string, purpose: Purpose): Promise<void> {
    return this.#deps.locks.run(guestKey(guest), async () => {
      await this.#prepare(guest, purpose);
    });
  }

  /**
   * Captures all disks of a guest and its UEFI variables.
   * @throws {Refusal} for a guest without disks, or one of which no snapshot can be taken
   */
  take(guest: string, purpose: Purpose = 'export'): Promise<Moment> {
    const { locks, inUse } = this.#deps;
    const snapshot = `${purpose}-${randomBytes(4).toString('hex')}`;
    return locks.run(guestKey(guest), async () => {
      await recoverGuest(this.#deps, guest);
      const { selection, capture } = await this.#prepare(guest, snapshot);
      await replaceFile(this.#recordOf(guest, snapshot), '');
      try {
        await capture();
        const held = selection.disks.map((disk) => inUse.hold(diskSnapshotId(guest, disk, snapshot)));
        const close = async (): Promise<void> => {
          for (const release of held) release();
          await this.#remove(guest, snapshot).catch((error: unknown) => {
            this.#warn(guest, snapshot, error);
            this.#removeLater(guest, snapshot);
          });
        };
        return { ...(await this.#describe(selection)), close };
      } catch (error) {
        this.#removeLater(guest, snapshot);
        throw error;
      }
    });
  }

  /** @throws {Refusal} when no snapshot can be taken of the guest */
  async #prepare(
    guest: string,
    name: string,
  ): Promise<{ selection: Selection; capture: () => Promise<void> }> {
    const selection = { ...(await select(this.#deps.store, snapshotId(guest))), name };
    if (selection.disks.length === 0)
      throw new Refusal('conflict', `guest ${guest} has no disks: there is nothing to copy`);
    await requireNoBackup(this.#deps, guest);
    await requireNotTorn(this.#deps, guest);
    return { selection, capture: await prepareSnapshot(this.#deps, selection) };
  }

  async #describe(selection: Selection): Promise<Omit<Moment, 'close'>> {
    const { store } = this.#deps;
    const { guest, disks, nvram, name } = selection;
    const [ofNvram] = await disksWithSnapshot(store, nvram ? [nvram] : [], name);
    const lists = await Promise.all(disks.map((disk) => listSnapshots(this.#deps, guest, disk)));
    const taken = lists.flatMap((list) => list.filter((each) => each.name === name));
    const isClean = taken.every(({ consistency }) => consistency === 'filesystem');
    return {
      ...{ snapshot: name, disks, nvram: ofNvram, created: new Date().toISOString() },
      consistency: isClean ? 'filesystem' : 'crash',
    };
  }

  #remove(guest: string, snapshot: string): Promise<void> {
    const { store, locks } = this.#deps;
    return locks.run(guestKey(guest), async () => {
      await recoverGuest(this.#deps, guest);
      if (await store.findDisks(guest)) {
        const selection = { ...(await select(store, snapshotId(guest))), name: snapshot };
        const left = await disksWithSnapshot(store, membersOf(selection), snapshot);
        const nvram = left.find(({ index }) => index === selection.nvram?.index);
        const disks = left.filter((member) => member !== nvram);
        const rest = { id: selection.id, guest, disks, name: snapshot, aside: [] };
        if ((await store.heldBy(disks, [snapshot])).length > 0) await this.#expire(guest, left, snapshot);
        else if (left.length > 0)
          await (await prepareDeletion(this.#deps, { ...rest, ...(nvram ? { nvram } : {}) }))();
      }
      await rm(this.#recordOf(guest, snapshot), { force: true });
      await sync(this.#dir);
    });
  }

  /** Lets a snapshot go with the last clone that builds on it. */
  async #expire(guest: string, members: StoredDisk[], snapshot: string): Promise<void> {
    const { store, runDir } = this.#deps;
    await withMonitor(runDir, guest, (live) =>
      deleteFrom({ deleteSnapshot: store.expireSnapshot }, members, snapshot, live),
    );
  }

  #removeLater(guest: string, snapshot: string): void {
    this.#deps.retries.start(`${guest}${SEPARATOR}${snapshot}`, () =>
      this.#remove(guest, snapshot).catch((error: unknown) => {
        this.#warn(guest, snapshot, error);
        throw error;
      }),
    );
  }

  #warn(guest: string, snapshot: string, error: unknown): void {
    this.#deps.log.warn(
      { guest, snapshot },
      `temporary snapshot not removed, retrying: ${errorMessage(error)}`,
    );
  }

  #recordOf(guest: string, snapshot: string): string {
    return join(this.#dir, `${guest}${SEPARATOR}${snapshot}`);
  }
}
