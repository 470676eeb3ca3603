import { errorMessage } from '../../errors.js';
import { PartlyDoneError } from './errors.js';
import { memberName } from './nvram.js';
import type { StoredDisk } from './stored.js';

const namesOf = (disks: StoredDisk[]): string => disks.map(({ index }) => memberName(index)).join(', ');

/**
 * Runs irreversible work on each disk, and continues with the others when a disk fails.
 * @param done what the work does to a disk, in words such as `snapshot s1 is deleted`
 * @throws an error that names the disks on which the work is done
 */
export const onEachDisk = async (
  disks: StoredDisk[],
  done: string,
  work: (disk: StoredDisk) => Promise<void>,
): Promise<void> => {
  const failed = new Map<StoredDisk, unknown>();
  for (const disk of disks) await work(disk).catch((error: unknown) => failed.set(disk, error));
  const [first] = failed.values();
  if (failed.size === 0) return;
  if (failed.size === disks.length) throw first;
  const reasons = [...failed].map(([disk, error]) => `${memberName(disk.index)}: ${errorMessage(error)}`);
  throw new PartlyDoneError(
    `${done} on ${namesOf(disks.filter((disk) => !failed.has(disk)))} only: repeat it to complete it: ` +
      reasons.join('; '),
    { cause: first },
  );
};
