import { basename, dirname, join } from 'node:path';

/** The files of the memory of a guest at one moment. */
export interface CheckpointFiles {
  dir: string;
  /** The memory and the state of the devices, as QEMU sent them. */
  memory: string;
  /** What the qemu sub-agent must know to load them. */
  record: string;
  /** What the guest's TPM keeps; only of a guest that has one. */
  tpm: string;
}

const filesIn = (dir: string): CheckpointFiles => ({
  dir,
  memory: join(dir, 'memory'),
  record: join(dir, 'checkpoint.json'),
  tpm: join(dir, 'tpm'),
});

/**
 * Returns the directory of the memory in a guest's snapshots. It is beside the directories of the guests' disks, not in
 * them: a ZFS snapshot of all disks includes those.
 * @param guestDir the directory of the guest's disks
 */
export const checkpointsDir = (guestDir: string): string =>
  join(allCheckpointsDir(dirname(guestDir)), basename(guestDir));

/** @param guestsDir the directory that has those of all guests */
export const allCheckpointsDir = (guestsDir: string): string => join(dirname(guestsDir), 'checkpoints');

const PREFIX = '@';

/** Returns where a snapshot's memory is. */
export const checkpointFiles = (guestDir: string, snapshot: string): CheckpointFiles =>
  filesIn(join(checkpointsDir(guestDir), `${PREFIX}${snapshot}`));

/** Returns the name of the snapshot that a directory has the memory of; `undefined` for a draft. */
export const snapshotOfCheckpoint = (name: string): string | undefined =>
  name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined;

/** Returns where the qemu sub-agent puts memory that the storage sub-agent then adds to a snapshot. */
export const draftCheckpoint = (guestDir: string): CheckpointFiles =>
  filesIn(join(checkpointsDir(guestDir), '+new'));
