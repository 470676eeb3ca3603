import { AgentError, invalid } from '../../errors.js';
import type { DiskPatch, DiskRemoval, NewDisk } from '../../model/disk-changes.js';
import { diskNumber, findDisk, listDisks, uncertainDisk } from '../../model/disks.js';
import { type Guest, isContainer, MAX_DISKS } from '../../model/guest.js';
import type { GuestChange } from '../../rpc/protocol/guest-messages.js';
import { type DiskChangeAction, withDiskChange } from '../guests/changed-disks.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import type { Runtime } from '../runtime.js';
import { submitGuestAction } from './guest-actions.js';
import { updateStorageSize } from './storage-actions.js';

/** @throws {AgentError} `not_found` for an unknown disk, `conflict` when the guest may give that name to another disk */
const requireDisk = ({ id, disks = [] }: Guest, wanted: string): { number: number; size: number } => {
  const found = findDisk(id, disks, wanted);
  if (found === 'uncertain') throw new AgentError('conflict', uncertainDisk(id, disks, wanted));
  const disk = found === 'unknown' ? undefined : disks[found];
  if (found === 'unknown' || !disk)
    throw new AgentError(
      'not_found',
      `guest ${id} has no disk ${wanted}, only ${listDisks(id, disks) || 'none at all'}`,
    );
  return { number: diskNumber(disk, found), size: disk.size };
};

/** @throws {AgentError} `invalid` for a container */
const requireVirtualMachine = (guest: Guest): void => {
  if (isContainer(guest)) throw invalid(`guest ${guest.id} is a container, which has no disks of its own`);
};

const submit = async (
  runtime: Runtime,
  guest: Guest,
  name: DiskChangeAction,
  change: GuestChange,
  options: SubmitOptions,
): Promise<Submission<Guest>> => {
  await updateStorageSize(runtime);
  runtime.quota.checkGrowth(withDiskChange(guest, name, change));
  return submitGuestAction(runtime, guest, name, { ...options, change });
};

/**
 * Queues the addition of a disk.
 * @throws {AgentError} `invalid` for a container or a disk without size, image and volume; `conflict` when the guest has
 * as many disks as it can have; `no_space` when the quota does not permit the disk
 */
export const submitDiskAddition = async (
  runtime: Runtime,
  guest: Guest,
  disk: NewDisk,
  options: SubmitOptions,
): Promise<Submission<Guest>> => {
  requireVirtualMachine(guest);
  if (!disk.size && !disk.image && !disk.volume) throw invalid('give the disk a size in MB or an image');
  if ((guest.disks?.length ?? 0) >= MAX_DISKS)
    throw new AgentError(
      'conflict',
      `guest ${guest.id} has ${MAX_DISKS} disks, the most that a guest can have`,
    );
  return submit(runtime, guest, 'addDisk', { disk }, options);
};

/**
 * Queues the growth of a disk.
 * @throws {AgentError} `invalid` for a smaller size; as `submitDiskAddition`
 */
export const submitDiskGrowth = async (
  runtime: Runtime,
  guest: Guest,
  wanted: string,
  { size }: DiskPatch,
  options: SubmitOptions,
): Promise<Submission<Guest>> => {
  requireVirtualMachine(guest);
  const disk = requireDisk(guest, wanted);
  if (size < disk.size && runtime.isIdle(guest.id))
    throw invalid(
      `disk ${disk.number} of guest ${guest.id} has ${disk.size} MB and cannot become smaller: give it a larger size, got ${size}`,
    );
  return submit(runtime, guest, 'changeDisk', { disk: disk.number, size }, options);
};

/** Queues the removal of a disk. */
export const submitDiskRemoval = async (
  runtime: Runtime,
  guest: Guest,
  wanted: string,
  { keep = false, force = false }: Partial<Pick<DiskRemoval, 'keep' | 'force'>>,
  options: SubmitOptions,
): Promise<Submission<Guest>> => {
  requireVirtualMachine(guest);
  const { number } = requireDisk(guest, wanted);
  return submit(runtime, guest, 'removeDisk', { disk: number, keep, force }, options);
};
