import { errorMessage } from '../../../errors.js';
import type { DiskStore } from '../disk-store.js';
import { isNvram } from '../nvram.js';
import type { Qcow2Layout } from '../qcow2/layout.js';
import { repairFile } from '../qcow2/repair.js';
import { qcow2Snapshots } from '../qcow2/snapshots.js';
import type { StoredDisk } from '../stored.js';
import { TornError } from '../torn-error.js';
import type { ZfsLayout } from './layout.js';

type Operations = Pick<
  DiskStore,
  | 'snapshots'
  | 'createSnapshot'
  | 'setConsistency'
  | 'deleteSnapshot'
  | 'expireSnapshot'
  | 'rollback'
  | 'repair'
  | 'readSnapshot'
  | 'mapSnapshot'
>;

/** What depends on a running QEMU, which has no snapshots of ZFS. */
type Live = Pick<DiskStore, 'mayForget' | 'hasForgotten'>;

type Flash = Omit<Operations, 'setConsistency'> & Live;

/** Where the qcow2 files of UEFI variables are. */
export const flashLayout = ({ images, guests, work }: ZfsLayout): Qcow2Layout => ({
  images: images.mountpoint,
  guests: guests.mountpoint,
  work: work.mountpoint,
});

/** Operations on the qcow2 files of UEFI variables, which build on no image. */
export const flashOf = (zfs: ZfsLayout): Flash => {
  const layout = flashLayout(zfs);
  return { ...qcow2Snapshots(layout), repair: (nvram) => repairFile(layout, nvram) };
};

const split = (members: StoredDisk[]): { disks: StoredDisk[]; nvram: StoredDisk[] } => ({
  disks: members.filter((member) => !isNvram(member)),
  nvram: members.filter(isNvram),
});

/**
 * Keeps the snapshots of UEFI variables inside their qcow2 file, and those of disks in ZFS. The variables change rarely, so
 * they need not be captured at the same instant.
 */
export const withNvram = (zfs: Operations, flash: Flash): Operations & Live => ({
  snapshots: (member) => (isNvram(member) ? flash : zfs).snapshots(member),

  createSnapshot: async (members, name, live) => {
    const { disks, nvram } = split(members);
    if (nvram.length > 0) await flash.createSnapshot(nvram, name, live);
    try {
      await zfs.createSnapshot(disks, name, live);
    } catch (error) {
      if (nvram.length > 0) await flash.deleteSnapshot(nvram, name, live).catch(() => undefined);
      throw error;
    }
  },

  setConsistency: (members, name, consistency) => zfs.setConsistency(split(members).disks, name, consistency),

  deleteSnapshot: async (members, name, live) => {
    const { disks, nvram } = split(members);
    if (disks.length > 0) await zfs.deleteSnapshot(disks, name, live);
    if (nvram.length > 0) await flash.deleteSnapshot(nvram, name, live);
  },

  expireSnapshot: async (members, name, live) => {
    const { disks, nvram } = split(members);
    if (disks.length > 0) await zfs.expireSnapshot(disks, name, live);
    if (nvram.length > 0) await flash.deleteSnapshot(nvram, name, live);
  },

  mayForget: (members) => flash.mayForget(split(members).nvram),

  hasForgotten: (members, name, live) => flash.hasForgotten(split(members).nvram, name, live),

  rollback: async (steps, name) => {
    const nvram = steps.filter(({ disk }) => isNvram(disk));
    const disks = steps.filter(({ disk }) => !isNvram(disk));
    if (disks.length > 0) await zfs.rollback(disks, name);
    if (nvram.length === 0) return;
    await flash.rollback(nvram, name).catch((error: unknown) => {
      if (disks.length === 0) throw error;
      const left = nvram.map(({ disk }) => disk.index);
      throw new TornError(errorMessage(error), left, { cause: error });
    });
  },

  repair: (member) => (isNvram(member) ? flash : zfs).repair(member),

  readSnapshot: (member, name, signal) => (isNvram(member) ? flash : zfs).readSnapshot(member, name, signal),

  mapSnapshot: (member, name, signal) => (isNvram(member) ? flash : zfs).mapSnapshot(member, name, signal),
});
