import { access, rm } from 'node:fs/promises';
import { ifExists } from '../../../files/atomic-files.js';
import { MB, toMb } from '../../../model/units.js';
import { noSuchImage, notFound } from '../../shared/errors.js';
import { convert, INTO_BLANK, readCheckedInfo } from '../convert.js';
import type { DiskStore } from '../disk-store.js';
import type { Addition, DiskDefinition, DiskImport, StoredDisk } from '../stored.js';
import {
  isDatasetMissing,
  listDatasets,
  parseProperty,
  usedBytesOf,
  withProperties,
  zfs,
  zfsWhenFree,
} from './command.js';
import { type DiskChanges, zfsDiskChanges } from './disk-changes.js';
import { createGuestDataset } from './guest-dataset.js';
import type { ZfsImages } from './images.js';
import type { DiskKind } from './kinds.js';
import {
  datasetOf,
  diskIndexOf,
  diskName,
  guestDataset,
  imageSnapshot,
  mountpointOf,
  type ZfsLayout,
} from './layout.js';
import { leftoversOf } from './leftovers.js';
import { withRawDisk } from './raw-file.js';
import { DELETED_PROPERTY, type WorkArea } from './work-area.js';

type Disks = Pick<
  DiskStore,
  | keyof DiskChanges
  | 'keptDisks'
  | 'findDisks'
  | 'createDisks'
  | 'importDisks'
  | 'deleteDisks'
  | 'diskUse'
  | 'guestDir'
  | 'checkDisk'
  | 'repair'
  | 'withOpenDisk'
>;

export const DISK_PROPERTY = 'mistify:disk';

/** The property of a disk's dataset. */
interface DiskRecord extends DiskDefinition, Addition {
  /** Actual size in MB. */
  size: number;
  /** Whether it was removed from the guest without its data. */
  kept?: boolean;
}

const isRecord = (record: Partial<DiskRecord>): record is DiskRecord => record.size !== undefined;

export const zfsDisks = (layout: ZfsLayout, kind: DiskKind, work: WorkArea, images: ZfsImages): Disks => {
  /** Creates a disk: blank, or a clone of its image's snapshot. */
  const createDisk = async (dataset: string, disk: DiskDefinition, more: object = {}): Promise<void> => {
    const properties = (bytes: number): string[] => {
      const record: DiskRecord = { ...disk, ...more, size: toMb(bytes) };
      return withProperties({ [DISK_PROPERTY]: record });
    };
    const requested = disk.requested * MB;
    if (disk.image === '') {
      await kind.create(dataset, requested, properties(requested));
      return;
    }
    const base = await images.findImage(disk.image);
    if (!base) throw noSuchImage(disk.image);
    const bytes = Math.max(base.virtualSize, requested);
    const origin = imageSnapshot(await images.findDataset(disk.image));
    await zfsWhenFree('clone', ...properties(bytes), origin, dataset);
    await kind.ready(dataset);
    if (bytes > base.virtualSize) await kind.grow(dataset, bytes);
  };

  const importDisk = async (dataset: string, { definition, file }: DiskImport): Promise<void> => {
    const { 'virtual-size': virtualSize } = await readCheckedInfo(file);
    const bytes = kind.roundUp(virtualSize);
    const record: DiskRecord = { ...definition, size: toMb(bytes) };
    await kind.create(dataset, bytes, withProperties({ [DISK_PROPERTY]: record }));
    await convert(file, 'raw', kind.path(dataset), { flags: INTO_BLANK });
    await rm(file.path, { force: true });
    await kind.flush(dataset);
  };

  const listDisks = async (guest: string, wanted: 'own' | 'kept'): Promise<StoredDisk[] | undefined> => {
    const dataset = guestDataset(layout, guest);
    const properties = ['name', DISK_PROPERTY, DELETED_PROPERTY];
    const types = ['-t', 'filesystem,volume'];
    const rows = await listDatasets(properties, ...types, '-r', '-d', '1', dataset);
    if (rows.length === 0 || rows[0]?.[2] === 'true') return undefined;
    const disks = rows.flatMap(([name = '', property]) => {
      const { kept = false, ...record } = parseProperty<DiskRecord>(property) ?? {};
      const index = diskIndexOf(name);
      if (!isRecord(record) || index === undefined || kept !== (wanted === 'kept')) return [];
      return [{ ...record, index, volume: `guests/${guest}/${diskName(index)}`, source: kind.path(name) }];
    });
    return disks.sort((one, other) => one.index - other.index);
  };

  const findDisks = (guest: string): Promise<StoredDisk[] | undefined> => listDisks(guest, 'own');

  const changes = zfsDiskChanges(layout, kind, work, {
    create: createDisk,
    read: async (dataset) => {
      const [[property] = []] = await listDatasets([DISK_PROPERTY], dataset);
      const record = parseProperty<DiskRecord>(property);
      if (!record) throw notFound(`disk ${dataset}`);
      return record;
    },
    write: async (dataset, record) => {
      await zfs('set', `${DISK_PROPERTY}=${JSON.stringify(record)}`, dataset);
    },
    datasetOf: (disk) => datasetOf(layout, disk),
  });

  return {
    ...changes,

    findDisks,

    keptDisks: async (guest) => (await listDisks(guest, 'kept')) ?? [],

    createDisks: (guest, disks) =>
      createGuestDataset({ layout, kind, work, findDisks }, guest, async (dataset) => {
        for (const [index, disk] of disks.entries()) await createDisk(`${dataset}/${diskName(index)}`, disk);
      }),

    importDisks: (guest, disks, fill) =>
      createGuestDataset({ layout, kind, work, findDisks }, guest, async (dataset) => {
        for (const [index, disk] of disks.entries()) await importDisk(`${dataset}/${diskName(index)}`, disk);
        await fill(mountpointOf(layout, dataset));
      }),

    diskUse: async (guest, disks) => {
      if (disks.length === 0) return [];
      const used = await usedBytesOf(guestDataset(layout, guest));
      return disks.map((disk) => used.get(datasetOf(layout, disk)));
    },

    guestDir: (guest) => mountpointOf(layout, guestDataset(layout, guest)),

    deleteDisks: async (guest) => {
      const dataset = guestDataset(layout, guest);
      try {
        return await leftoversOf(layout, kind, dataset, await work.remove(dataset));
      } catch (error) {
        if (!isDatasetMissing(error)) throw error;
        return [];
      }
    },

    checkDisk: async (disk) => {
      const missing = (await ifExists(access(disk.source).then(() => true))) === undefined;
      if (missing) throw notFound(`disk ${disk.volume}`);
      // ZFS verifies checksums at every read, so only the size needs a check.
      const bytes = await kind.size(datasetOf(layout, disk));
      if (toMb(bytes) < disk.size)
        throw new Error(`disk ${disk.volume} has only ${bytes} bytes of its ${disk.size} MB`);
    },

    // Every zfs command is atomic.
    repair: async () => undefined,

    withOpenDisk: ({ source }, mode, work) => withRawDisk(source, mode, work),
  };
};
