import { join } from 'node:path';

const GB = 2 ** 30;

/** Chunks in a folder: one file of sums has the sums of a folder. */
export const FOLDER_CHUNKS = 1024;

/**
 * Returns the bytes of a disk's chunks. It depends on nothing but the size, so that disks of the same image share chunks.
 * Larger disks have larger chunks, or the number of files would grow out of hand.
 */
export const chunkBytesOf = (size: number): number => {
  if (size <= 64 * GB) return 2 ** 17;
  return size <= 1024 * GB ? 2 ** 20 : 2 ** 22;
};

export const folderOf = (index: number): number => Math.floor(index / FOLDER_CHUNKS);

/** Names sort by number, so that the files of a disk come in the order of its bytes. */
const chunkName = (index: number): string => String(index).padStart(7, '0');
const folderName = (folder: number): string => String(folder).padStart(4, '0');

/** The largest file that a backup contains: a chunk, or the state of a TPM or of firmware. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;

export const DISKS = 'disks';
export const SUMS = 'sums';
export const FILES = 'files';
/** What a backup says about itself, in the folder of its guest. */
export const RECORD = 'guest.json';

/** The path of a chunk in the folder of its guest. */
export const chunkPath = (disk: string, index: number): string =>
  join(DISKS, disk, folderName(folderOf(index)), chunkName(index));

/** The path of the sums of a folder of chunks. */
export const sumsPath = (disk: string, folder: number): string => join(SUMS, disk, folderName(folder));

/** The path of the sums of the small files. */
export const FILE_SUMS = join(SUMS, FILES);
