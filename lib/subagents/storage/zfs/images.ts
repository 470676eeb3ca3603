import { Refusal } from '../../../rpc/protocol/refusal.js';
import { convert, readCheckedInfo } from '../convert.js';
import type { CheckedFile, DiskStore, StoredImage } from '../disk-store.js';
import { listDatasets, parseProperty, withProperties, zfs } from './command.js';
import { clonesOf } from './dependents.js';
import type { DiskKind } from './kinds.js';
import { guestOfDataset, imageDataset, imageIdOf, imageSnapshot, type ZfsLayout } from './layout.js';
import { leftoversOf, requireFreeName } from './leftovers.js';
import { DELETED_PROPERTY, type WorkArea } from './work-area.js';

type Images = Pick<
  DiskStore,
  'listImages' | 'findImage' | 'addImage' | 'copyImage' | 'deleteImage' | 'guestsOfImage'
>;

export const IMAGE_PROPERTY = 'mistify:image';

/** The property of an image's dataset. */
interface ImageRecord {
  /** Bytes. */
  virtualSize: number;
}

/** Flags of `qemu-img convert` for an existing, blank target: zeros need not be written. */
const INTO_BLANK = ['-n', '--target-is-zero'];

/**
 * Stores images as datasets with one snapshot, from which disks are cloned. A dataset under an image's name is
 * complete.
 */
export const zfsImages = (layout: ZfsLayout, kind: DiskKind, work: WorkArea): Images => {
  const list = async (...args: string[]): Promise<StoredImage[]> => {
    const properties = ['name', IMAGE_PROPERTY, DELETED_PROPERTY];
    const rows = await listDatasets(properties, '-t', 'filesystem,volume', ...args);
    return rows.flatMap(([dataset = '', property, deleted]) => {
      const record = parseProperty<ImageRecord>(property);
      const id = imageIdOf(layout, dataset);
      return record && deleted !== 'true'
        ? [{ id, virtualSize: record.virtualSize, volume: `images/${id}` }]
        : [];
    });
  };

  const findImage = async (id: string): Promise<StoredImage | undefined> =>
    (await list(imageDataset(layout, id)))[0];

  /** Creates a dataset, fills it with `write`, and installs it as the image by one rename. */
  const add = async (
    id: string,
    virtualSize: number,
    write: (path: string) => Promise<void>,
  ): Promise<StoredImage> => {
    const target = imageDataset(layout, id);
    const bytes = kind.roundUp(virtualSize);
    const dataset = work.claim('image');
    try {
      const record: ImageRecord = { virtualSize: bytes };
      await kind.create(dataset, bytes, withProperties({ [IMAGE_PROPERTY]: record }));
      await write(kind.path(dataset));
      await kind.flush(dataset);
      await zfs('snapshot', imageSnapshot(dataset));
      await requireFreeName(layout, kind, work, target);
      await work.moveIntoPlace(dataset, target);
    } catch (error) {
      await work.discard(dataset);
      throw error;
    }
    await kind.ready(target);
    return { id, virtualSize: bytes, volume: `images/${id}` };
  };

  const clones = (id: string): ReturnType<typeof clonesOf> =>
    clonesOf(layout, [imageSnapshot(imageDataset(layout, id))]);

  return {
    findImage,

    listImages: async () => {
      const images = await list('-r', '-d', '1', layout.images.dataset);
      return images.sort((one, other) => (one.id < other.id ? -1 : 1));
    },

    addImage: async (id, file) => {
      const { 'virtual-size': virtualSize } = await readCheckedInfo(file);
      return add(id, virtualSize, (path) => convert(file, 'raw', path, INTO_BLANK));
    },

    copyImage: async (id, dest) => {
      const { virtualSize } = (await findImage(id)) ?? { virtualSize: 0 };
      const file: CheckedFile = { path: kind.path(imageDataset(layout, id)), format: 'raw' };
      return add(dest, virtualSize, (path) => convert(file, 'raw', path, INTO_BLANK));
    },

    deleteImage: async (id) => {
      const [other] = await clones(id);
      if (other) throw new Refusal('conflict', `image ${id} is in use: ${other.dataset} is a clone of it`);
      const dataset = imageDataset(layout, id);
      return leftoversOf(layout, kind, dataset, await work.remove(dataset));
    },

    guestsOfImage: async (id) => {
      const guests = (await clones(id)).map(({ dataset }) => guestOfDataset(layout, dataset));
      return [...new Set(guests.filter((guest) => guest !== undefined))].sort();
    },
  };
};
