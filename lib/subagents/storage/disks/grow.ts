import { type DiskGrowth, diskGrowthSchema } from '../../../model/disk-changes.js';
import { diskNumber } from '../../../model/disks.js';
import type { Guest } from '../../../model/guest.js';
import { MAX_DISK_BYTES, MB, toMb } from '../../../model/units.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { notFound } from '../../shared/errors.js';
import { readChange } from '../../shared/read-change.js';
import { requireNoBackup } from '../backups/require-none.js';
import { explainNoSpace } from '../errors.js';
import { explainInUse } from '../open-disks.js';
import { withMonitor } from '../running-guest.js';
import { requireNotTorn } from '../snapshots/torn.js';
import type { StoredDisk } from '../stored.js';
import type { DiskDeps } from './common.js';

const withSize = (guest: Guest, number: number, size: number): GuestResponse['guest'] => ({
  id: guest.id,
  disks: (guest.disks ?? []).map((disk, index) =>
    diskNumber(disk, index) === number ? { ...disk, size } : disk,
  ),
});

const smaller = (guest: string, { index }: StoredDisk, has: number, wanted: number): Refusal =>
  new Refusal(
    'invalid',
    `disk ${index} of guest ${guest} has ${has} MB and cannot become smaller: give it a larger size, got ${wanted}`,
  );

/** @throws {Refusal} when the disk cannot get that size */
const find = async (
  deps: DiskDeps,
  guest: string,
  { disk: number, size }: DiskGrowth,
): Promise<StoredDisk> => {
  const { store } = deps;
  const disk = ((await store.findDisks(guest)) ?? []).find(({ index }) => index === number);
  if (!disk) throw notFound(`disk ${number} of guest ${guest}`);
  await requireNoBackup(deps, guest);
  await requireNotTorn({ store }, guest);
  if (size < disk.size) throw smaller(guest, disk, disk.size, size);
  if (size * MB > MAX_DISK_BYTES)
    throw new Refusal('invalid', `the size must be at most ${toMb(MAX_DISK_BYTES)} MB, got ${size}`);
  return disk;
};

const AHCI = new Set(['sata', 'ide']);

/** Says when the guest gets to know the new size. */
const noticed = ({ bus }: StoredDisk, isRunning: boolean): string => {
  if (!isRunning) return '';
  return AHCI.has(bus) ? '; the guest notices that at its next reboot' : '; the guest has it already';
};

/** Responds with the guest as `growDisk` would. */
export const checkGrowDisk = async (deps: DiskDeps, request: GuestRequest): Promise<GuestResponse> => {
  const growth = readChange(request, diskGrowthSchema);
  await find(deps, request.guest.id, growth);
  return { guest: withSize(request.guest, growth.disk, growth.size) };
};

/**
 * `ImageStore.GrowDisk`: grows a disk, through its QEMU when the guest runs. May be repeated.
 * @throws {Refusal} `invalid` for a smaller size
 */
export const growDisk = async (deps: DiskDeps, request: GuestRequest): Promise<GuestResponse> => {
  const { store, runDir } = deps;
  const { guest } = request;
  const growth = readChange(request, diskGrowthSchema);
  const disk = await find(deps, guest.id, growth);
  const { size } = growth;
  const was = disk.size;
  const message = await withMonitor(runDir, guest.id, async (live) => {
    const bytes = await store.diskBytes(disk, live);
    // The record may say less than the disk has, after a change by other tools.
    if (size * MB < bytes && size !== was) throw smaller(guest.id, disk, toMb(bytes), size);
    if (size * MB <= bytes) return `disk ${disk.index} has ${size} MB already`;
    await explainNoSpace(`disk ${disk.index} of guest ${guest.id}`, store, () =>
      store.growDisk(disk, size * MB, live),
    ).catch(async (error) => {
      throw await explainInUse(disk, error);
    });
    return `disk ${disk.index} has ${size} MB instead of ${was}${noticed(disk, live !== undefined)}`;
  });
  if (size !== was) await store.setSize(disk, size);
  return { guest: withSize(guest, disk.index, size), message };
};
