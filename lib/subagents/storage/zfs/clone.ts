import { nvramPath } from '../../shared/nvram.js';
import { convert, INTO_BLANK } from '../convert.js';
import type { DiskStore } from '../disk-store.js';
import { copyGuestFile } from '../qcow2/copy.js';
import type { Qcow2Layout } from '../qcow2/layout.js';
import type { CloneOptions, CloneSource, DiskDefinition, StoredDisk } from '../stored.js';
import { withProperties, zfs, zfsWhenFree } from './command.js';
import { DISK_PROPERTY } from './disks.js';
import { createGuestDataset } from './guest-dataset.js';
import type { ZfsImages } from './images.js';
import type { DiskKind } from './kinds.js';
import { datasetOf, diskName, mountpointOf, snapshotOf, type ZfsLayout } from './layout.js';
import type { WorkArea } from './work-area.js';

type Clones = Pick<DiskStore, 'cloneDisks' | 'imageOfSnapshot' | 'linksPresentState' | 'copyBytes'>;

/**
 * Creates disks from those of other guests: clones of their snapshots, or copies.
 * @param flash where the qcow2 files of UEFI variables are
 */
export const zfsClones = (
  layout: ZfsLayout,
  { kind, work, images, flash }: { kind: DiskKind; work: WorkArea; images: ZfsImages; flash: Qcow2Layout },
  findDisks: DiskStore['findDisks'],
): Clones => {
  /** Runs `work` with the bytes of a snapshot, which are read through a temporary clone: see `zfsReadSnapshot`. */
  const withBytes = async <T>(
    disk: StoredDisk,
    snapshot: string,
    use: (path: string, bytes: number) => Promise<T>,
  ): Promise<T> => {
    const clone = work.claim('copy');
    try {
      await zfsWhenFree('clone', snapshotOf(datasetOf(layout, disk), snapshot), clone);
      await kind.ready(clone);
      return await use(kind.path(clone), await kind.size(clone));
    } finally {
      await work.discard(clone);
    }
  };

  const propertiesOf = (disk: StoredDisk, definition: DiskDefinition, image: string): string[] =>
    withProperties({ [DISK_PROPERTY]: { ...definition, image, size: disk.size } });

  const link = async (
    dataset: string,
    disk: StoredDisk,
    definition: DiskDefinition,
    snapshot: string,
  ): Promise<void> => {
    const origin = snapshotOf(datasetOf(layout, disk), snapshot);
    await zfsWhenFree('clone', ...propertiesOf(disk, definition, disk.image), origin, dataset);
    await kind.ready(dataset);
  };

  const copy = (
    dataset: string,
    disk: StoredDisk,
    definition: DiskDefinition,
    snapshot: string,
    signal: AbortSignal | undefined,
  ): Promise<void> =>
    withBytes(disk, snapshot, async (path, bytes) => {
      await kind.create(dataset, bytes, propertiesOf(disk, definition, ''));
      await convert({ path, format: 'raw' }, 'raw', kind.path(dataset), { flags: INTO_BLANK, signal });
      await kind.flush(dataset);
    });

  /** Creates all disks and files in a guest's dataset. */
  const createAll = async (
    dataset: string,
    { disks, nvram, snapshot = '' }: CloneSource,
    definitions: DiskDefinition[],
    { linked, addFiles, signal }: CloneOptions,
  ): Promise<void> => {
    for (const [index, definition] of definitions.entries()) {
      const [disk, target] = [disks[index], `${dataset}/${diskName(index)}`];
      if (disk && linked) await link(target, disk, definition, snapshot);
      else if (disk) await copy(target, disk, definition, snapshot, signal);
    }
    const dir = mountpointOf(layout, dataset);
    if (nvram) await copyGuestFile(flash, nvram, { path: nvramPath(dir), snapshot, onImage: false });
    await addFiles(dir);
  };

  return {
    linksPresentState: false,

    cloneDisks: (guest, source, definitions, options) =>
      createGuestDataset({ layout, kind, work, findDisks }, guest, (dataset) =>
        createAll(dataset, source, definitions, options),
      ),

    imageOfSnapshot: (id, disk, snapshot, signal) =>
      withBytes(disk, snapshot, (path, bytes) =>
        images.make(id, bytes, (target) =>
          convert({ path, format: 'raw' }, 'raw', target, { flags: INTO_BLANK, signal }),
        ),
      ),

    copyBytes: async (disk) =>
      Number(await zfs('get', '-H', '-p', '-o', 'value', 'referenced', datasetOf(layout, disk))),
  };
};
