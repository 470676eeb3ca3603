import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '../errors.js';

/** The mode of files that may contain secrets. */
export const OWNER_ONLY = 0o600;

/** Waits until the content of a file, or the entries of a directory, are on the device: fsync(2). */
export const sync = async (path: string): Promise<void> => {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Moves a finished file or directory into place. After a power cut it is there whole, or not at all. */
export const moveIntoPlace = async (from: string, to: string): Promise<void> => {
  await sync(from);
  await rename(from, to);
  await sync(dirname(to));
};

const writeNew = async (path: string, text: string): Promise<void> => {
  const file = await open(path, 'w', OWNER_ONLY);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
};

/**
 * Writes a small file that only its owner can read, replacing an older version. After a power cut one of the two
 * versions is there, whole; once this resolves, it is the new one.
 */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  // No other file here has a + in its name: ids are percent-encoded.
  const temporary = `${path}+new`;
  try {
    await writeNew(temporary, text);
    await moveIntoPlace(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
};

/** Resolves to `undefined` when a file operation fails because the file does not exist. */
export const ifExists = async <T>(result: Promise<T>): Promise<T | undefined> => {
  try {
    return await result;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
};
