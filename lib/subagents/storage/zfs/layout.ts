import { join } from 'node:path';

/** Of a dataset's or snapshot's whole name: zfs(8), `ZFS_MAX_DATASET_NAME_LEN` less the final NUL. */
const MAX_NAME = 255;
/** The snapshot of an image that disks are cloned from. */
const IMAGE_SNAPSHOT = 'image';

/** A dataset with others below it, which are mounted below where it is. */
export interface Section {
  dataset: string;
  mountpoint: string;
}

export interface Layout {
  /** The pool, or a dataset of it, that all is kept under. */
  root: string;
  images: Section;
  guests: Section;
  /** For what is being made and what is being removed. */
  work: Section;
}

/** `/` and `@` mean something in a dataset's name, and `:`, which may be in it, escapes them and itself. */
const encodeId = (id: string): string =>
  id.replace(/[:/@]/g, (character) => `:${character.charCodeAt(0).toString(16)}`);

const decodeId = (name: string): string =>
  name.replace(/:([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** @throws when ZFS would not take it */
const checkLength = (what: string, name: string): string => {
  const excess = name.length - MAX_NAME;
  if (excess > 0) throw new Error(`${what}: ${excess} characters too long for a ZFS dataset's name: ${name}`);
  return name;
};

/** @throws when the id is too long; `/`, `:` and `@` count as three characters each */
export const imageDataset = ({ images }: Layout, id: string): string => {
  const dataset = `${images.dataset}/${encodeId(id)}`;
  checkLength(`image id ${id}`, `${dataset}@${IMAGE_SNAPSHOT}`);
  return dataset;
};

export const imageSnapshot = (dataset: string): string => `${dataset}@${IMAGE_SNAPSHOT}`;

/** The id of the image in a dataset. */
export const imageIdOf = ({ images }: Layout, dataset: string): string =>
  decodeId(dataset.slice(images.dataset.length + 1));

export const guestDataset = ({ guests }: Layout, guest: string): string => `${guests.dataset}/${guest}`;

/** The guest whose dataset, or whose disk's, it is; `undefined` for one that is elsewhere. */
export const guestOf = ({ guests }: Layout, dataset: string): string | undefined =>
  dataset.startsWith(`${guests.dataset}/`)
    ? dataset.slice(guests.dataset.length + 1).split('/')[0]
    : undefined;

const DISK = /\/disk-(\d+)$/;

export const diskName = (index: number): string => `disk-${index}`;

/** The number of the disk that a dataset is; `undefined` for one that is none. */
export const diskIndexOf = (dataset: string): number | undefined => {
  const [, index] = DISK.exec(dataset) ?? [];
  return index === undefined ? undefined : Number(index);
};

/** @throws when the name is too long */
export const snapshotOf = (dataset: string, name: string): string =>
  checkLength(`snapshot name ${name}`, `${dataset}@${name}`);

/** Where a dataset is mounted. */
export const mountpointOf = ({ images, guests, work }: Layout, dataset: string): string => {
  const section = [images, guests, work].find((each) => dataset.startsWith(`${each.dataset}/`));
  if (!section) throw new RangeError(`${dataset} is no dataset of this store`);
  return join(section.mountpoint, dataset.slice(section.dataset.length));
};
