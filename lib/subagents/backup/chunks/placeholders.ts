import { chmod, open, utimes, writeFile } from 'node:fs/promises';

/** restic may read a file with content. */
const READABLE = 0o440;
/** Without root's rights, this process may not write to a file of the other modes. */
const WRITABLE = 0o600;
/** restic takes such a file from the parent snapshot, and must not be able to read it: its zeros are not the disk's. */
const PLACEHOLDER = 0o000;

/**
 * Writes the content of a chunk.
 * @param isNew whether the file does not exist; a placeholder is filled in place, so that its inode stays
 * @param stamp its modification time, in seconds since 1970
 */
export const fillChunk = async (
  path: string,
  content: Buffer,
  { isNew, stamp }: { isNew: boolean; stamp: number },
): Promise<void> => {
  if (!isNew) await chmod(path, WRITABLE);
  const file = await open(path, isNew ? 'wx' : 'r+', WRITABLE);
  try {
    await file.writeFile(content);
    await file.utimes(stamp, stamp);
    await file.chmod(READABLE);
  } finally {
    await file.close();
  }
};

/** Takes the content of a chunk away. restic sees the same file as before, by its size and modification time. */
export const emptyChunk = async (path: string, size: number, stamp: number): Promise<void> => {
  await chmod(path, WRITABLE);
  const file = await open(path, 'r+');
  try {
    await file.truncate(0);
    await file.truncate(size);
    await file.utimes(stamp, stamp);
    await file.chmod(PLACEHOLDER);
  } finally {
    await file.close();
  }
};

/** Makes the placeholder of a chunk that a snapshot has. */
export const makePlaceholder = async (path: string, size: number, stamp: number): Promise<void> => {
  const file = await open(path, 'wx', WRITABLE);
  try {
    await file.truncate(size);
    await file.utimes(stamp, stamp);
    await file.chmod(PLACEHOLDER);
  } finally {
    await file.close();
  }
};

/** Writes a small file, which keeps its content. */
export const writeReadable = async (path: string, content: string | Buffer, stamp: number): Promise<void> => {
  await chmod(path, WRITABLE).catch(() => {});
  await writeFile(path, content, { mode: WRITABLE });
  await utimes(path, stamp, stamp);
  await chmod(path, READABLE);
};
