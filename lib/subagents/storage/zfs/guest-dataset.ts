import type { DiskStore } from '../disk-store.js';
import type { StoredDisk } from '../stored.js';
import { zfsWhenFree } from './command.js';
import type { DiskKind } from './kinds.js';
import { datasetOf, guestDataset, type ZfsLayout } from './layout.js';
import { requireFreeName } from './leftovers.js';
import type { WorkArea } from './work-area.js';

interface Deps {
  layout: ZfsLayout;
  kind: DiskKind;
  work: WorkArea;
  findDisks: DiskStore['findDisks'];
}

/**
 * Creates the dataset of a guest with its disks, which `make` creates below it.
 * @returns the guest's disks, all of them or none
 */
export const createGuestDataset = async (
  { layout, kind, work, findDisks }: Deps,
  guest: string,
  make: (dataset: string) => Promise<void>,
): Promise<StoredDisk[]> => {
  const dataset = work.claim('guest');
  try {
    await zfsWhenFree('create', dataset);
    await make(dataset);
    await requireFreeName(layout, kind, work, guestDataset(layout, guest));
    // One rename makes all of the guest's disks appear at once.
    await work.moveIntoPlace(dataset, guestDataset(layout, guest));
  } catch (error) {
    await work.discard(dataset);
    throw error;
  }
  const made = (await findDisks(guest)) ?? [];
  for (const disk of made) await kind.ready(datasetOf(layout, disk));
  return made;
};
