import { readFile, stat } from 'node:fs/promises';
import type { BackupSource } from '../../rpc/protocol/backup-disk-messages.js';
import { MAX_FILE_BYTES } from './chunks/layout.js';

const NAME = /^\w[\w.-]*(\/\w[\w.-]*)*$/;

/** @throws when a name is not that of a file in a directory, or in one below it */
export const requireFileName = (name: string): string => {
  if (!NAME.test(name)) throw new Error(`"${name}" is not the name of a file that a backup may contain`);
  return name;
};

/** Reads the copies of a guest's small files. */
export const readSmallFiles = async (files: BackupSource['files']): Promise<Map<string, Buffer>> => {
  const contents = new Map<string, Buffer>();
  for (const { name, path } of files) {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES)
      throw new Error(`${name} has ${size} bytes: a backup takes files of up to ${MAX_FILE_BYTES}`);
    contents.set(requireFileName(name), await readFile(path));
  }
  return contents;
};
