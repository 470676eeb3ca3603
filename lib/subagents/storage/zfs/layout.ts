import { join } from 'node:path';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { StoredDisk } from '../stored.js';

/** The longest name of a dataset or snapshot: OpenZFS's `ZFS_MAX_DATASET_NAME_LEN` less the final NUL. */
const MAX_NAME = 255;
/** The name of an image's one snapshot, from which disks are cloned. */
const IMAGE_SNAPSHOT = 'image';

/** The name of the snapshot that has what a disk was before it is restored from a backup. */
export const KEPT = 'mistify:kept';

/** The snapshot that has what is being read for a backup. */
export const CAPTURED = 'mistify:backup';

/** The snapshots that no user has taken. */
export const HIDDEN: ReadonlySet<string> = new Set([KEPT, CAPTURED]);

/** The names of a store's datasets below its root. */
export const SECTIONS = ['images', 'guests', 'tmp'] as const;

/** A dataset whose children are mounted below its own mountpoint. */
export interface Section {
  dataset: string;
  mountpoint: string;
}

export interface ZfsLayout {
  /** The pool, or a dataset in one, that contains the store. */
  root: string;
  images: Section;
  guests: Section;
  /** For unfinished datasets and clones for downloads. */
  work: Section;
}

/** Escapes `/` and `@`, which dataset names reserve, and the escape character `:` itself. */
const encodeId = (id: string): string =>
  id.replace(/[:/@]/g, (character) => `:${character.charCodeAt(0).toString(16)}`);

const decodeId = (name: string): string =>
  name.replace(/:([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** @throws when the name is too long for ZFS */
const checkLength = (what: string, name: string): string => {
  const excess = name.length - MAX_NAME;
  if (excess > 0)
    throw new Refusal(
      'invalid',
      `${what} is ${excess} characters too long for the name of a ZFS dataset: ${name}`,
    );
  return name;
};

/**
 * Returns an image's dataset. Each refresh of an image adds another one, since disks are clones of the earlier one. Ids
 * are escaped such that none ends as a version does.
 * @throws when the id is too long; `/`, `:` and `@` count as three characters each
 */
export const imageDataset = ({ images }: ZfsLayout, id: string, version = 1): string => {
  const dataset = `${images.dataset}/${encodeId(id)}${version > 1 ? `:v${version}` : ''}`;
  checkLength(`image id ${id}`, `${dataset}@${IMAGE_SNAPSHOT}`);
  return dataset;
};

export const imageSnapshot = (dataset: string): string => `${dataset}@${IMAGE_SNAPSHOT}`;

const VERSION = /:v(\d+)$/;

/** Returns the id of the image in a dataset. */
export const imageIdOf = ({ images }: ZfsLayout, dataset: string): string =>
  decodeId(dataset.slice(images.dataset.length + 1).replace(VERSION, ''));

/** Returns which version of its image is in a dataset. */
export const imageVersionOf = (dataset: string): number => Number(VERSION.exec(dataset)?.[1] ?? 1);

export const guestDataset = ({ guests }: ZfsLayout, guest: string): string => `${guests.dataset}/${guest}`;

/** Returns the guest of a guest's or disk's dataset; `undefined` for any other dataset. */
export const guestOfDataset = ({ guests }: ZfsLayout, dataset: string): string | undefined =>
  dataset.startsWith(`${guests.dataset}/`)
    ? dataset.slice(guests.dataset.length + 1).split('/')[0]
    : undefined;

const DISK = /\/disk-(\d+)$/;

export const diskName = (index: number): string => `disk-${index}`;

/** Returns the number of a disk's dataset; `undefined` for any other dataset. */
export const diskIndexOf = (dataset: string): number | undefined => {
  const [, index] = DISK.exec(dataset) ?? [];
  return index === undefined ? undefined : Number(index);
};

/**
 * Returns the full name of a disk's snapshot.
 * @throws when the name is too long
 */
export const snapshotOf = (dataset: string, name: string): string =>
  checkLength(`snapshot name ${name}`, `${dataset}@${name}`);

/** Returns where a dataset of the store is mounted. */
export const mountpointOf = ({ images, guests, work }: ZfsLayout, dataset: string): string => {
  const section = [images, guests, work].find((each) => dataset.startsWith(`${each.dataset}/`));
  if (!section) throw new RangeError(`${dataset} is not a dataset of this store`);
  return join(section.mountpoint, dataset.slice(section.dataset.length));
};

/** Returns the dataset of a disk. */
export const datasetOf = ({ guests }: ZfsLayout, { volume }: StoredDisk): string =>
  `${guests.dataset}${volume.slice('guests'.length)}`;
