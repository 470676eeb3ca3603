import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ifExists } from './atomic-files.js';

/** `st_blocks` of stat(2) counts blocks of this size on every file system. */
const BLOCK_BYTES = 512;

/** Returns the bytes that a file takes on its device, which are fewer than its length where it has holes. */
export const allocatedBytes = ({ blocks }: Pick<Stats, 'blocks'>): number => blocks * BLOCK_BYTES;

/** Reads the bytes that a file takes; `undefined` when it does not exist. */
export const readAllocatedBytes = async (path: string): Promise<number | undefined> => {
  const stats = await ifExists(stat(path));
  return stats && allocatedBytes(stats);
};
