import { constants } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ifExists, OWNER_ONLY } from '../../../files/atomic-files.js';
import { MB } from '../../../model/units.js';
import type { DiskStore } from '../disk-store.js';
import { readTpmFiles } from '../export/tpm-files.js';
import { findAside, findNvram } from '../nvram.js';
import type { StoredDisk } from '../stored.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** UEFI variables with their snapshots take some MB at most. */
const MAX_BYTES = 64 * MB;

type Store = Pick<DiskStore, 'guestDir'>;

/** A small file of a guest: its name in a backup, and its content. */
interface SmallFile {
  name: string;
  content: Buffer;
}

const listVariables = async (store: Store, guest: string): Promise<StoredDisk[]> => {
  const nvram = await findNvram(store, guest);
  return [...(nvram ? [nvram] : []), ...(await findAside(store, guest))];
};

/** Reads a file that belongs to the user of a guest's QEMU, which may have made it of any length. */
const read = async (path: string): Promise<Buffer | undefined> => {
  const file = await ifExists(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES)
      throw new Error(`${path} has ${size} bytes, expected at most ${MAX_BYTES}: the guest is not backed up`);
    return await file.readFile();
  } finally {
    await file.close();
  }
};

const readSmallFiles = async (store: Store, guest: string): Promise<SmallFile[]> => {
  const files: SmallFile[] = [];
  for (const { source } of await listVariables(store, guest)) {
    const content = await read(source);
    if (content) files.push({ name: basename(source), content });
  }
  return [...files, ...(await readTpmFiles(store.guestDir(guest)))];
};

/** Whether a guest has small files, which a backup copies. */
export const hasSmallFiles = async (store: Store, guest: string): Promise<boolean> =>
  (await listVariables(store, guest)).length > 0 || (await readTpmFiles(store.guestDir(guest))).length > 0;

/**
 * Copies a guest's small files: its UEFI variables, and the state of its TPM.
 * @param dir gets one file each
 * @returns the names that they have in a backup, and the paths of the copies
 */
export const copySmallFiles = async (
  store: Store,
  guest: string,
  dir: string,
): Promise<{ name: string; path: string }[]> => {
  const files = await readSmallFiles(store, guest);
  return Promise.all(
    files.map(async ({ name, content }, index) => {
      const path = join(dir, `${index}`);
      await writeFile(path, content, { mode: OWNER_ONLY });
      return { name, path };
    }),
  );
};
