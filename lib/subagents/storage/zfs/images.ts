import { Refusal } from '../../../rpc/protocol/refusal.js';
import { convert, INTO_BLANK, readCheckedInfo } from '../convert.js';
import type { DiskStore } from '../disk-store.js';
import type { CheckedFile, Leftover, StoredImage } from '../stored.js';
import { listDatasets, parseProperty, usedBytesOf, withProperties, zfs } from './command.js';
import { clonesOf } from './dependents.js';
import type { DiskKind } from './kinds.js';
import {
  guestOfDataset,
  imageDataset,
  imageIdOf,
  imageSnapshot,
  imageVersionOf,
  type ZfsLayout,
} from './layout.js';
import { leftoversOf, requireFreeName } from './leftovers.js';
import { DELETED_PROPERTY, type WorkArea } from './work-area.js';

type Images = Pick<
  DiskStore,
  | 'listImages'
  | 'findImage'
  | 'imageFile'
  | 'addImage'
  | 'replaceImage'
  | 'copyImage'
  | 'deleteImage'
  | 'guestsOfImage'
>;

export const IMAGE_PROPERTY = 'mistify:image';

/** The property of an image's dataset. */
interface ImageRecord {
  /** Bytes. */
  virtualSize: number;
}

/** The dataset of one version of an image. */
interface ImageVersion extends ImageRecord {
  dataset: string;
  id: string;
  version: number;
  isDeleted: boolean;
  usedBytes: number;
}

export interface ZfsImages extends Images {
  /** Returns the dataset of an image's newest version. */
  findDataset(id: string): Promise<string>;
  /** Adds the bytes that `write` writes into a blank file or device as an image. */
  make(id: string, virtualSize: number, write: (path: string) => Promise<void>): Promise<StoredImage>;
}

/**
 * Stores images as datasets with one snapshot, from which disks are cloned. A dataset under an image's name is
 * complete.
 */
export const zfsImages = (layout: ZfsLayout, kind: DiskKind, work: WorkArea): ZfsImages => {
  /** Lists the datasets of images, those included that are deleted but still needed. */
  const listAll = async (): Promise<ImageVersion[]> => {
    const properties = ['name', IMAGE_PROPERTY, DELETED_PROPERTY];
    const types = ['-t', 'filesystem,volume'];
    const [rows, used] = await Promise.all([
      listDatasets(properties, ...types, '-r', '-d', '1', layout.images.dataset),
      usedBytesOf(layout.images.dataset),
    ]);
    return rows.flatMap(([dataset = '', property, deleted]) => {
      const record = parseProperty<ImageRecord>(property);
      if (!record) return [];
      const [id, version] = [imageIdOf(layout, dataset), imageVersionOf(dataset)];
      return [
        {
          dataset,
          id,
          version,
          virtualSize: record.virtualSize,
          isDeleted: deleted === 'true',
          usedBytes: used.get(dataset) ?? 0,
        },
      ];
    });
  };

  /** Lists the newest version of each image. */
  const listNewest = async (): Promise<ImageVersion[]> => {
    const newest = new Map<string, ImageVersion>();
    for (const image of await listAll())
      if (!image.isDeleted && image.version > (newest.get(image.id)?.version ?? 0))
        newest.set(image.id, image);
    return [...newest.values()];
  };

  const findNewest = async (id: string): Promise<ImageVersion | undefined> =>
    (await listNewest()).find((image) => image.id === id);

  const findDataset = async (id: string): Promise<string> =>
    (await findNewest(id))?.dataset ?? imageDataset(layout, id);

  const toStored = ({ id, virtualSize, usedBytes }: ImageVersion): StoredImage => ({
    id,
    virtualSize,
    usedBytes,
    volume: `images/${id}`,
  });

  const findImage = async (id: string): Promise<StoredImage | undefined> => {
    const image = await findNewest(id);
    return image && toStored(image);
  };

  /** Creates a dataset, fills it with `write`, and installs it as the image by one rename. */
  const add = async (
    id: string,
    virtualSize: number,
    write: (path: string) => Promise<void>,
    version = 1,
  ): Promise<StoredImage> => {
    const target = imageDataset(layout, id, version);
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

  /** Lists the clones of an image, in any version. */
  const clones = async (id: string): ReturnType<typeof clonesOf> => {
    const datasets = (await listAll()).filter((image) => image.id === id).map(({ dataset }) => dataset);
    return clonesOf(layout, datasets.map(imageSnapshot));
  };

  return {
    findImage,

    imageFile: async (id) => ({ path: kind.path(await findDataset(id)), format: 'raw' }),

    findDataset,

    make: add,

    listImages: async () => {
      const images = await listNewest();
      return images.map(toStored).sort((one, other) => (one.id < other.id ? -1 : 1));
    },

    addImage: async (id, file, progress) => {
      const { 'virtual-size': virtualSize } = await readCheckedInfo(file);
      return add(id, virtualSize, (path) => convert(file, 'raw', path, { ...progress, flags: INTO_BLANK }));
    },

    replaceImage: async (id, file, progress) => {
      const earlier = (await listAll()).filter((image) => image.id === id);
      const version = Math.max(0, ...earlier.map((image) => image.version)) + 1;
      const { 'virtual-size': virtualSize } = await readCheckedInfo(file);
      const image = await add(
        id,
        virtualSize,
        (path) => convert(file, 'raw', path, { ...progress, flags: INTO_BLANK }),
        version,
      );
      // Destroyed now, or once the last disk that is a clone of it is gone.
      for (const { dataset, isDeleted } of earlier) if (!isDeleted) await work.remove(dataset);
      return image;
    },

    copyImage: async (id, dest) => {
      const { virtualSize } = (await findImage(id)) ?? { virtualSize: 0 };
      const file: CheckedFile = { path: kind.path(await findDataset(id)), format: 'raw' };
      return add(dest, virtualSize, (path) => convert(file, 'raw', path, { flags: INTO_BLANK }));
    },

    deleteImage: async (id) => {
      const [other] = await clones(id);
      if (other) throw new Refusal('conflict', `image ${id} is in use: ${other.dataset} is a clone of it`);
      const versions = (await listAll()).filter((image) => image.id === id && !image.isDeleted);
      const leftovers: Leftover[] = [];
      // The oldest first: the newest is the image as long as it is there.
      for (const { dataset } of versions.sort((one, other) => one.version - other.version))
        leftovers.push(...(await leftoversOf(layout, kind, dataset, await work.remove(dataset))));
      return leftovers;
    },

    guestsOfImage: async (id) => {
      const guests = (await clones(id)).map(({ dataset }) => guestOfDataset(layout, dataset));
      return [...new Set(guests.filter((guest) => guest !== undefined))].sort();
    },
  };
};
