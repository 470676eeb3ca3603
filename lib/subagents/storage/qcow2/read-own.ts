import { open } from 'node:fs/promises';
import { BoundedReader } from './bounded-reader.js';
import { type Header, isCompressedAt, isZeroAt, offsetAt, readHeader } from './header.js';

const ENTRY_BYTES = 8;

/** Does what needs an image's header; `undefined` for a file that QEMU had better judge. */
const withHeader = async <T>(
  path: string,
  work: (file: BoundedReader, header: Header) => T | Promise<T>,
): Promise<T | undefined> => {
  const handle = await open(path, 'r');
  try {
    const file = new BoundedReader(handle);
    const header = await readHeader(file);
    return header && (await work(file, header));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
};

/** Reads a part of one cluster; `undefined` when it is compressed. */
const readInCluster = async (
  file: BoundedReader,
  { clusterBytes, l1, l1Size }: Header,
  position: number,
  length: number,
): Promise<Buffer | undefined> => {
  const cluster = Math.floor(position / clusterBytes);
  const tableEntries = clusterBytes / ENTRY_BYTES;
  const index = Math.floor(cluster / tableEntries);
  const table = index < l1Size ? offsetAt(await file.read(l1 + index * ENTRY_BYTES, ENTRY_BYTES), 0) : 0;
  if (table === 0) return Buffer.alloc(length);
  const entry = await file.read(table + (cluster % tableEntries) * ENTRY_BYTES, ENTRY_BYTES);
  if (isCompressedAt(entry, 0)) return undefined;
  const offset = offsetAt(entry, 0);
  if (offset === 0 || isZeroAt(entry, 0)) return Buffer.alloc(length);
  return file.read(offset + (position % clusterBytes), length);
};

/**
 * Reads a part of the disk in an image of this store without a program, which would take longer to start than to read.
 * @returns fewer bytes at the disk's end; `undefined` for a file that QEMU had better read
 */
export const readOwnImage = (path: string, position: number, length: number): Promise<Buffer | undefined> =>
  withHeader(path, async (file, header) => {
    if (header.hasBackingFile || header.isEncrypted) return undefined;
    const parts: Buffer[] = [];
    const end = Math.min(position + length, header.virtualSize);
    for (let at = position; at < end; ) {
      const rest = header.clusterBytes - (at % header.clusterBytes);
      const part = await readInCluster(file, header, at, Math.min(rest, end - at));
      if (!part) return undefined;
      parts.push(part);
      at += part.length;
    }
    return Buffer.concat(parts);
  });

/** Reads the size of the disk in an image of this store; `undefined` for a file that QEMU had better judge. */
export const readOwnSize = (path: string): Promise<number | undefined> =>
  withHeader(path, (_file, { virtualSize }) => virtualSize);
