import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readOwnImage } from '../qcow2/read-own.js';
import { qemuImg } from '../qemu-img.js';
import type { ImageFile } from '../stored.js';
import type { ReadBytes } from './content.js';

/** qemu-img dd reads in blocks of this many bytes, which positions and lengths must be multiples of. */
const BLOCK_BYTES = 512;

const readRaw = async (path: string, position: number, length: number): Promise<Buffer> => {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
};

/** Reads a part of a qcow2 image with `qemu-img dd`, which can only write it to a file. */
const readQcow2 = async (path: string, target: string, position: number, length: number): Promise<Buffer> => {
  const skip = position / BLOCK_BYTES;
  // Unlike that of dd(1), the count includes the blocks that are skipped.
  const count = skip + Math.ceil(length / BLOCK_BYTES);
  const blocks = [`bs=${BLOCK_BYTES}`, `skip=${skip}`, `count=${count}`];
  await qemuImg(['dd', '-U', '-f', 'qcow2', '-O', 'raw', ...blocks, `if=${path}`, `of=${target}`]);
  return (await readFile(target)).subarray(0, length);
};

/**
 * Returns a function that reads parts of an image, as its guests see it.
 * @param workDir for temporary files
 */
export const imageReader =
  ({ path, format }: ImageFile, workDir: string): ReadBytes =>
  async (position, length) => {
    if (format === 'raw') return readRaw(path, position, length);
    const part = await readOwnImage(path, position, length);
    if (part) return part;
    const dir = await mkdtemp(join(workDir, 'read-'));
    try {
      return await readQcow2(path, join(dir, 'part'), position, length);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };
