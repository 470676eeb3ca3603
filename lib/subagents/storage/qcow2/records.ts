import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, sync } from '../../../files/atomic-files.js';
import { imageFileName } from '../../shared/qcow2/file-name.js';
import type { DiskDefinition, StoredDisk } from '../disk-store.js';
import { diskFileName, diskVolume, guestDir, type Qcow2Layout } from './layout.js';

const FILE_NAME = 'disks.json';

/** A disk as requested and created. Its position in the list is its number. */
export interface DiskRecord extends DiskDefinition {
  /** Actual size in MB. */
  size: number;
  /** The name of the image's file, unless it is the first version. */
  imageFile?: string;
}

export const writeRecords = async (dir: string, disks: DiskRecord[]): Promise<void> => {
  const path = join(dir, FILE_NAME);
  await writeFile(path, `${JSON.stringify({ disks }, undefined, 2)}\n`);
  await sync(path);
};

const readRecords = async (dir: string): Promise<DiskRecord[] | undefined> => {
  const text = await ifExists(readFile(join(dir, FILE_NAME), 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as { disks: DiskRecord[] }).disks;
};

/** Reads a guest's disks by number; `undefined` when the store does not know the guest. */
export const readDisks = async (layout: Qcow2Layout, guest: string): Promise<StoredDisk[] | undefined> => {
  const dir = guestDir(layout, guest);
  const records = await readRecords(dir);
  return records?.map((record, index) => ({
    ...record,
    index,
    volume: diskVolume(guest, index),
    source: join(dir, diskFileName(index)),
  }));
};

const imageFileOf = ({ image, imageFile }: Pick<DiskRecord, 'image' | 'imageFile'>): string =>
  imageFile ?? imageFileName(image);

/** Returns the path of the image that a disk builds on. */
export const imagePathOf = (
  { images }: Qcow2Layout,
  record: Pick<DiskRecord, 'image' | 'imageFile'>,
): string => join(images, imageFileOf(record));

/** Reads the disks of all guests. */
const readAll = async (layout: Qcow2Layout): Promise<{ guest: string; records: DiskRecord[] }[]> => {
  const all = [];
  for (const guest of (await readdir(layout.guests)).sort())
    all.push({ guest, records: (await readRecords(guestDir(layout, guest))) ?? [] });
  return all;
};

/** Lists the guests with a disk made from an image, in any version. */
export const guestsOfImage = async (layout: Qcow2Layout, image: string): Promise<string[]> =>
  (await readAll(layout))
    .filter(({ records }) => records.some((record) => record.image === image))
    .map(({ guest }) => guest);

/** Lists the names of the images' files on which disks build. */
export const usedImageFiles = async (layout: Qcow2Layout): Promise<Set<string>> => {
  const records = (await readAll(layout)).flatMap((each) => each.records);
  return new Set(records.filter(({ image }) => image !== '').map(imageFileOf));
};
