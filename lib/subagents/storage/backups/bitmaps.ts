import type { Bitmaps, StoredDisk } from '../stored.js';

const PREFIX = 'backup-';

/** The size of the blocks whose changes are recorded, in bytes. */
export const GRANULARITY = 65_536;

/** The name of the bitmaps that say what has changed since a backup. */
export const bitmapName = (backup: string): string => `${PREFIX}${backup}`;

/** Removes all bitmaps of backups from disks, except those of the backup `keep`. */
export const dropBitmaps = async (
  bitmaps: Bitmaps,
  disks: readonly StoredDisk[],
  keep?: string,
): Promise<void> => {
  const kept = keep === undefined ? undefined : bitmapName(keep);
  for (const disk of disks)
    for (const { name } of await bitmaps.list(disk))
      if (name.startsWith(PREFIX) && name !== kept) await bitmaps.remove(disk, name);
};

const mergeBackOne = async (
  bitmaps: Bitmaps,
  disk: StoredDisk,
  base: string | undefined,
  failed: string,
): Promise<void> => {
  const all = await bitmaps.list(disk);
  const since = all.find(({ name }) => name === base);
  const fresh = all.find(({ name }) => name === failed);
  if (since && fresh && !since.isLost && !fresh.isLost) {
    await bitmaps.merge(disk, since.name, fresh.name);
    await bitmaps.enable(disk, since.name);
    await bitmaps.remove(disk, fresh.name);
    return;
  }
  // What has changed since the failed backup was begun is known to neither.
  if (since && (since.isLost || !since.isRecording)) await bitmaps.remove(disk, since.name);
  if (fresh) await bitmaps.remove(disk, fresh.name);
};

/**
 * Undoes what a backup that has failed has done to bitmaps: those of the backup before it again say what has changed since
 * that. May be repeated after an interruption at any step.
 * @param base the last confirmed backup, if there is one
 */
export const mergeBack = async (
  bitmaps: Bitmaps,
  disks: readonly StoredDisk[],
  base: string | undefined,
  failed: string,
): Promise<void> => {
  const baseName = base === undefined ? undefined : bitmapName(base);
  for (const disk of disks) await mergeBackOne(bitmaps, disk, baseName, bitmapName(failed));
};
