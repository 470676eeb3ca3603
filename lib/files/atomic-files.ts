import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Waits until a file's content, or a directory's entries, are on the device. */
export const sync = async (path: string): Promise<void> => {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Puts a finished file or directory where it belongs: after a power cut it is there whole, or not at all. */
export const moveIntoPlace = async (from: string, to: string): Promise<void> => {
  await sync(from);
  await rename(from, to);
  await sync(dirname(to));
};

/** Writes a small file, in place of one that was there: after a power cut it is the one or the other. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  // Nothing else has a + in its name here: ids are percent-encoded.
  const temporary = `${path}+new`;
  try {
    await writeFile(temporary, text);
    await moveIntoPlace(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
};

/** `undefined` in place of the error that there is no such file. */
export const orMissing = async <T>(result: Promise<T>): Promise<T | undefined> => {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
