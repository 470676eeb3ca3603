import type { QmpClient } from '../../../qmp/client.js';
import type { DiskStore } from '../disk-store.js';
import { isNvram, isOpenIn } from '../nvram.js';
import type { StoredDisk } from '../stored.js';

/**
 * Deletes a snapshot of disks and UEFI variables. A running QEMU does not have the variables open that are set aside, and
 * none of a guest that has a BIOS by now: their snapshots are deleted as those of a guest that is off.
 */
export const deleteFrom = async (
  store: Pick<DiskStore, 'deleteSnapshot'>,
  members: readonly StoredDisk[],
  name: string,
  live: QmpClient | undefined,
): Promise<void> => {
  const closed: StoredDisk[] = [];
  for (const member of live ? members.filter(isNvram) : [])
    if (live && !(await isOpenIn(live, member))) closed.push(member);
  const others = members.filter((member) => !closed.includes(member));
  await store.deleteSnapshot(others, name, live);
  if (closed.length > 0) await store.deleteSnapshot(closed, name, undefined);
};
