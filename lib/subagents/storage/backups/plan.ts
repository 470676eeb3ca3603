import type { SourceDisk } from '../../../rpc/protocol/backup-disk-messages.js';
import type { Bitmaps, StoredDisk } from '../stored.js';
import { bitmapName } from './bitmaps.js';
import type { BackupState, Sizes } from './state.js';

/** A disk to back up. */
export interface PlannedDisk {
  disk: StoredDisk;
  /** In bytes. */
  size: number;
  /** The bitmap that says what has changed, and since which backup; otherwise why everything must be read. */
  changes: { bitmap: string; since: string } | { whole: string };
}

const LOST = 'the list of changed blocks was lost when QEMU was killed';
const RESIZED = 'the disk has another size than at the last backup';
const FIRST = 'it is the first backup of the guest';

/** Plans the reading of one disk, and removes a list of changed blocks that is of no use. */
const planDisk = async (
  bitmaps: Bitmaps,
  { base, lost }: BackupState,
  disk: StoredDisk,
  size: number,
): Promise<PlannedDisk> => {
  const whole = (why: string): PlannedDisk => ({ disk, size, changes: { whole: why } });
  if (!base) return whole(lost ?? FIRST);
  const name = bitmapName(base.backup);
  const found = (await bitmaps.list(disk)).find((bitmap) => bitmap.name === name);
  const before = base.sizes[disk.index];
  if (before === undefined) return whole('the disk was not in the last backup');
  // QEMU stores a new bitmap only when it ends.
  if (!found) return whole(lost ?? LOST);
  if (!found.isLost && found.isRecording && before === size)
    return { disk, size, changes: { bitmap: name, since: base.backup } };
  await bitmaps.remove(disk, name);
  return whole(before === size ? LOST : RESIZED);
};

export const planDisks = async (
  bitmaps: Bitmaps,
  state: BackupState,
  disks: readonly StoredDisk[],
  sizeOf: (disk: StoredDisk) => Promise<number>,
): Promise<PlannedDisk[]> => {
  const planned: PlannedDisk[] = [];
  for (const disk of disks) planned.push(await planDisk(bitmaps, state, disk, await sizeOf(disk)));
  return planned;
};

export const sizesOf = (planned: readonly PlannedDisk[]): Sizes =>
  Object.fromEntries(planned.map(({ disk, size }) => [disk.index, size]));

/** Returns the name of the bitmap that is served with a disk. */
export const bitmapOf = ({ changes }: PlannedDisk): string | undefined =>
  'bitmap' in changes ? changes.bitmap : undefined;

/** Describes a disk for its reader. */
export const toSourceDisk = (
  { disk, size, changes }: PlannedDisk,
  served: { socket: string; export: string },
): SourceDisk => ({
  disk: `${disk.index}`,
  size,
  ...served,
  ...('whole' in changes ? changes : { bitmap: `qemu:dirty-bitmap:${changes.bitmap}`, since: changes.since }),
});
