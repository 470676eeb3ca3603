import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, sync } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import { imageFileName } from '../../shared/qcow2/file-name.js';
import type { Addition, DiskDefinition, StoredDisk } from '../stored.js';
import { diskFileName, diskVolume, guestDir, type Qcow2Layout } from './layout.js';

export const DISKS_FILE = 'disks.json';

/** A disk as requested and created. */
export interface DiskRecord extends DiskDefinition, Addition {
  /** Actual size in MB. */
  size: number;
  /** The name of the image's file, unless it is the first version. */
  imageFile?: string;
  /** Its number; absent where that is its position in the list. */
  number?: number;
}

/** A disk record with its number. */
export type NumberedRecord = DiskRecord & { number: number };

/** The content of `disks.json`. */
interface DiskRecords {
  disks: DiskRecord[];
  /** Disks that were removed from the guest without their data. */
  kept?: NumberedRecord[];
}

const NO_RECORDS: DiskRecords = { disks: [] };

/** Writes the records of a new guest. */
export const writeRecords = async (dir: string, disks: DiskRecord[]): Promise<void> => {
  const path = join(dir, DISKS_FILE);
  await writeFile(path, stateText({ disks }));
  await sync(path);
};

const readRecords = (dir: string): Promise<DiskRecords | undefined> =>
  readStateFile<DiskRecords>(join(dir, DISKS_FILE));

/** Changes the records of a guest, in one step. */
export const changeRecords = async (
  layout: Qcow2Layout,
  guest: string,
  change: (disks: NumberedRecord[], kept: NumberedRecord[]) => Partial<DiskRecords>,
): Promise<void> => {
  const dir = guestDir(layout, guest);
  const { disks, kept = [] } = (await readRecords(dir)) ?? NO_RECORDS;
  const numbered = disks.map((record, index) => ({ ...record, number: record.number ?? index }));
  const changed = { disks: numbered, kept, ...change(numbered, kept) };
  await replaceFile(join(dir, DISKS_FILE), stateText(changed));
};

const toStored =
  ({ guests }: Qcow2Layout, guest: string) =>
  ({ number, ...record }: DiskRecord, position: number): StoredDisk => {
    const index = number ?? position;
    const source = join(guests, guest, diskFileName(index));
    return { ...record, index, volume: diskVolume(guest, index), source };
  };

/** Reads a guest's disks; `undefined` when the store does not know the guest. */
export const readDisks = async (layout: Qcow2Layout, guest: string): Promise<StoredDisk[] | undefined> =>
  (await readRecords(guestDir(layout, guest)))?.disks.map(toStored(layout, guest));

/** Reads the disks that were removed from a guest without their data. */
export const readKept = async (layout: Qcow2Layout, guest: string): Promise<StoredDisk[]> =>
  ((await readRecords(guestDir(layout, guest)))?.kept ?? []).map(toStored(layout, guest));

/** Returns the name of the file of the image that a disk builds on. */
export const imageFileOf = ({ image, imageFile }: Pick<DiskRecord, 'image' | 'imageFile'>): string =>
  imageFile ?? imageFileName(image);

/** Returns the path of the image that a disk builds on. */
export const imagePathOf = (
  { images }: Qcow2Layout,
  record: Pick<DiskRecord, 'image' | 'imageFile'>,
): string => join(images, imageFileOf(record));

const allRecords = async (dir: string): Promise<DiskRecord[]> => {
  const { disks, kept = [] } = (await readRecords(dir)) ?? NO_RECORDS;
  return [...disks, ...kept];
};

/** Reads the disks of all guests, with those that are kept. */
const readAll = async (layout: Qcow2Layout): Promise<{ guest: string; records: DiskRecord[] }[]> => {
  const all = [];
  for (const guest of (await readdir(layout.guests)).sort())
    all.push({ guest, records: await allRecords(guestDir(layout, guest)) });
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
