import { setTimeout as sleep } from 'node:timers/promises';
import { type DiskRemoval, diskRemovalSchema } from '../../../model/disk-changes.js';
import { numbered } from '../../../model/disks.js';
import type { Guest } from '../../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { readChange } from '../../shared/read-change.js';
import { requireNoBackup } from '../backups/require-none.js';
import type { DiskStore } from '../disk-store.js';
import { findHolders } from '../holders.js';
import { requireNotTorn } from '../snapshots/torn.js';
import type { StoredDisk } from '../stored.js';
import type { DiskDeps } from './common.js';

/** How often, and at which interval, to look whether QEMU has closed a disk that was just removed from it. */
const LOOKS = 5;
const PAUSE_MS = 300;

/** @throws {Refusal} while a program has the disk open */
const requireClosed = async ({ volume, source }: StoredDisk): Promise<void> => {
  for (let look = 1; ; look += 1) {
    const [holders = []] = await findHolders([source], { readers: true });
    if (holders.length === 0) return;
    if (look === LOOKS)
      throw new Refusal(
        'conflict',
        `${volume} is open by ${holders.join(' and ')}: stop that first; the data is still there`,
      );
    await sleep(PAUSE_MS);
  }
};

/** @throws {Refusal} when snapshots of the guest would lose the disk */
const requireNoSnapshots = async (store: DiskStore, guest: string, disk: StoredDisk): Promise<void> => {
  const names = (await store.snapshots(disk)).map(({ name }) => name);
  if (names.length === 0) return;
  throw new Refusal(
    'conflict',
    `snapshots of guest ${guest} include disk ${disk.index}: ${names.join(', ')}: delete them first, or keep the data (keep=true, --keep)`,
  );
};

const findDisk = async (
  { store }: DiskDeps,
  guest: string,
  { disk: number, addedBy }: DiskRemoval,
): Promise<StoredDisk | undefined> =>
  ((await store.findDisks(guest)) ?? []).find((disk) =>
    addedBy === undefined ? disk.index === number : disk.addedBy === addedBy,
  );

/** Returns the guest without the disks that the store no longer has. One that was never in the store has no volume. */
const withoutMissing = async (
  store: DiskStore,
  guest: Guest,
  removed: number | undefined,
): Promise<GuestResponse['guest']> => {
  const stored = new Set(((await store.findDisks(guest.id)) ?? []).map(({ index }) => index));
  const disks = guest.disks ?? [];
  const left = numbered(disks).filter(({ number, volume }) =>
    volume === '' ? number !== removed : stored.has(number),
  );
  return { id: guest.id, disks: left.length === disks.length ? disks : left };
};

/** Checks that the store lets a disk go. */
const check = async (
  deps: DiskDeps,
  request: GuestRequest,
): Promise<[DiskRemoval, StoredDisk | undefined]> => {
  const { store } = deps;
  const removal = readChange(request, diskRemovalSchema);
  const disk = await findDisk(deps, request.guest.id, removal);
  if (disk) await requireNoBackup(deps, request.guest.id);
  await requireNotTorn({ store }, request.guest.id);
  if (disk && !removal.keep) await requireNoSnapshots(store, request.guest.id, disk);
  return [removal, disk];
};

/** `ImageStore.CheckRemoveDisk`: what `removeDisk` checks, except whether a program has the disk open. */
export const checkRemoveDisk = async (deps: DiskDeps, request: GuestRequest): Promise<GuestResponse> => {
  await check(deps, request);
  return { guest: request.guest };
};

/**
 * `ImageStore.RemoveDisk`: deletes a disk that no program has open, or takes it from the guest and keeps its data. A disk
 * that is gone is no error.
 */
export const removeDisk = async (deps: DiskDeps, request: GuestRequest): Promise<GuestResponse> => {
  const { store } = deps;
  const { guest } = request;
  const [removal, disk] = await check(deps, request);
  const number = disk?.index ?? removal.disk;
  const isKept = (await store.keptDisks(guest.id)).some(({ index }) => index === number);
  if (disk) await requireClosed(disk);
  if (disk && removal.keep) await store.keepDisk(guest.id, disk.index, Math.floor(Date.now() / 1000));
  // Without a disk: an interrupted removal may have left its data.
  else if (number !== undefined && !removal.keep && !isKept) await store.removeDisk(guest.id, number);
  const left = await withoutMissing(store, guest, removal.disk);
  if (disk && removal.keep)
    return {
      guest: left,
      message: `the data of disk ${disk.index} stays in ${disk.source}: add it again with the volume ${disk.volume}; it goes with the guest`,
    };
  return { guest: left, ...(disk ? { message: `disk ${disk.index} and its data are deleted` } : {}) };
};
