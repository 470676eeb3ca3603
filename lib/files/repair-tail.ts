import { open } from 'node:fs/promises';
import { isErrno } from '../errors.js';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * Cuts off an incomplete last line, which a crash or a full disk leaves behind: the next append would continue it.
 * A missing file is left alone.
 * @returns the number of bytes cut off
 */
export const repairTail = async (filename: string): Promise<number> => {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(filename, 'r+');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0;
    throw error;
  }
  try {
    const { size } = await file.stat();
    let end = size;
    const chunk = Buffer.alloc(CHUNK_BYTES);
    while (end > 0) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, end - start, start);
      const newline = chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE);
      end = newline === -1 ? start : start + newline + 1;
      if (newline !== -1) break;
    }
    if (end < size) await file.truncate(end);
    return size - end;
  } finally {
    await file.close();
  }
};
