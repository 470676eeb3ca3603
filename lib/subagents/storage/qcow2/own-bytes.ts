import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { BoundedReader } from './bounded-reader.js';
import { type Header, isCompressedAt, offsetAt, readHeader } from './header.js';
import { readEntries } from './snapshot-table.js';

const { O_RDONLY, O_NOFOLLOW } = constants;

const REFCOUNT_BYTES = 2;

/** Returns the offsets of the clusters that a table refers to. */
const clustersIn = (table: Buffer): number[] => {
  const clusters: number[] = [];
  for (let at = 0; at < table.length; at += 8) {
    const offset = offsetAt(table, at);
    if (offset !== 0 && !isCompressedAt(table, at)) clusters.push(offset);
  }
  return clusters;
};

/** Finds the clusters to which only one table refers, by the refcounts in the file. */
class Refcounts {
  readonly #file: BoundedReader;
  readonly #header: Header;
  readonly #blocks = new Map<number, Buffer>();
  #table: Buffer | undefined;

  constructor(file: BoundedReader, header: Header) {
    this.#file = file;
    this.#header = header;
  }

  /** Returns those of the clusters that have one reference. */
  async once(clusters: readonly number[]): Promise<number[]> {
    const { clusterBytes } = this.#header;
    const blockBytes = (clusterBytes / REFCOUNT_BYTES) * clusterBytes;
    for (const index of new Set(clusters.map((offset) => Math.floor(offset / blockBytes))))
      if (!this.#blocks.has(index)) this.#blocks.set(index, await this.#readBlock(index));
    return clusters.filter((offset) => {
      const block = this.#blocks.get(Math.floor(offset / blockBytes));
      const at = Math.floor((offset % blockBytes) / clusterBytes) * REFCOUNT_BYTES;
      return block?.readUInt16BE(at) === 1;
    });
  }

  async #readBlock(index: number): Promise<Buffer> {
    const { refcountTable, refcountTableClusters, clusterBytes } = this.#header;
    this.#table ??= await this.#file.read(refcountTable, refcountTableClusters * clusterBytes);
    return this.#file.read(offsetAt(this.#table, index * 8), clusterBytes);
  }
}

const ownBytes = async (file: BoundedReader, names: readonly string[]): Promise<Map<string, number>> => {
  const own = new Map<string, number>();
  const header = await readHeader(file);
  if (!header) return own;
  const { clusterBytes } = header;
  const refcounts = new Refcounts(file, header);
  for (const { name, l1, l1Size } of await readEntries(file, header)) {
    if (!names.includes(name)) continue;
    // What a shared table refers to is shared as well, and counted as often.
    const tables = await refcounts.once(clustersIn(await file.read(l1, l1Size * 8)));
    let clusters = Math.ceil((l1Size * 8) / clusterBytes) + tables.length;
    for (const table of tables)
      clusters += (await refcounts.once(clustersIn(await file.read(table, clusterBytes)))).length;
    own.set(name, clusters * clusterBytes);
  }
  return own;
};

/**
 * Reads how many bytes of a qcow2 file only each of some snapshots refers to, by name. For a running guest, that is
 * as of the last time its QEMU wrote its tables. The file is never trusted: a wrong one gives a wrong number.
 * @returns nothing when the file has features that guests' disks do not have, or too many tables to be read for this
 */
export const readOwnBytes = async (
  path: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const file = await open(path, O_RDONLY | O_NOFOLLOW);
  try {
    return await ownBytes(new BoundedReader(file), names);
  } catch (error) {
    if (error instanceof RangeError) return new Map();
    throw error;
  } finally {
    await file.close();
  }
};
