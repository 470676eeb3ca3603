import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifExists, sync } from '../../../files/atomic-files.js';
import type { DiskDefinition, StoredDisk } from '../disk-store.js';
import { diskFileName, diskVolume, guestDir, type Qcow2Layout } from './layout.js';

const FILE_NAME = 'disks.json';

/** A disk as requested and created. Its position in the list is its number. */
export interface DiskRecord extends DiskDefinition {
  /** Actual size in MB. */
  size: number;
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

/** Lists the guests with a disk made from an image. */
export const guestsOfImage = async (layout: Qcow2Layout, image: string): Promise<string[]> => {
  const guests: string[] = [];
  for (const guest of (await readdir(layout.guests)).sort()) {
    const records = await readRecords(guestDir(layout, guest));
    if (records?.some((record) => record.image === image)) guests.push(guest);
  }
  return guests;
};
