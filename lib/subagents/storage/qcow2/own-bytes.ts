import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { BoundedReader } from './bounded-reader.js';

const { O_RDONLY, O_NOFOLLOW } = constants;

/** Where the fields are in the header and in an entry of the snapshot table: docs/interop/qcow2.txt of QEMU. */
const HEADER_BYTES = 104;
const HEADER = {
  ...{ version: 4, clusterBits: 20, refcountTable: 48, refcountTableClusters: 56 },
  ...{ snapshotCount: 60, snapshots: 64, incompatible: 72, refcountOrder: 96 },
};
const ENTRY_BYTES = 40;
const ENTRY = { l1: 0, l1Size: 8, idLength: 12, nameLength: 14, extraLength: 36 };

/** The parts of an entry of a table, in its two halves; the other bits are flags. */
const OFFSET = { high: 0x00ff_ffff, low: 0xffff_fe00 };
const COMPRESSED_HIGH = 0x4000_0000;
/** A compression type is the only feature that does not change what is counted here. */
const KNOWN_FEATURES = 8n;
/** Refcounts of 16 bits, as QEMU writes them by default. */
const REFCOUNT_ORDER = 4;
const REFCOUNT_BYTES = 2;

/** A snapshot in the file's table. */
interface Entry {
  name: string;
  l1: number;
  /** How many tables its first table refers to. */
  l1Size: number;
}

interface Header {
  clusterBytes: number;
  refcountTable: number;
  refcountTableClusters: number;
  snapshotCount: number;
  snapshots: number;
}

const readHeader = async (file: BoundedReader): Promise<Header | undefined> => {
  const header = await file.read(0, HEADER_BYTES);
  const features = header.readBigUInt64BE(HEADER.incompatible);
  const isKnown =
    header.readUInt32BE(HEADER.version) === 3 &&
    (features & ~KNOWN_FEATURES) === 0n &&
    header.readUInt32BE(HEADER.refcountOrder) === REFCOUNT_ORDER;
  if (!isKnown) return undefined;
  return {
    clusterBytes: 2 ** header.readUInt32BE(HEADER.clusterBits),
    refcountTable: Number(header.readBigUInt64BE(HEADER.refcountTable)),
    refcountTableClusters: header.readUInt32BE(HEADER.refcountTableClusters),
    snapshotCount: header.readUInt32BE(HEADER.snapshotCount),
    snapshots: Number(header.readBigUInt64BE(HEADER.snapshots)),
  };
};

const readEntries = async (file: BoundedReader, { snapshots, snapshotCount }: Header): Promise<Entry[]> => {
  const entries: Entry[] = [];
  for (let at = snapshots; entries.length < snapshotCount; ) {
    const entry = await file.read(at, ENTRY_BYTES);
    const nameAt =
      at + ENTRY_BYTES + entry.readUInt32BE(ENTRY.extraLength) + entry.readUInt16BE(ENTRY.idLength);
    const nameLength = entry.readUInt16BE(ENTRY.nameLength);
    const name = (await file.read(nameAt, nameLength)).toString();
    entries.push({
      name,
      l1: Number(entry.readBigUInt64BE(ENTRY.l1)),
      l1Size: entry.readUInt32BE(ENTRY.l1Size),
    });
    at = Math.ceil((nameAt + nameLength) / 8) * 8;
  }
  return entries;
};

const offsetAt = (table: Buffer, at: number): number =>
  (table.readUInt32BE(at) & OFFSET.high) * 2 ** 32 + ((table.readUInt32BE(at + 4) & OFFSET.low) >>> 0);

/** Returns the offsets of the clusters that a table refers to. */
const clustersIn = (table: Buffer): number[] => {
  const clusters: number[] = [];
  for (let at = 0; at < table.length; at += 8) {
    const isCompressed = (table.readUInt32BE(at) & COMPRESSED_HIGH) !== 0;
    const offset = offsetAt(table, at);
    if (offset !== 0 && !isCompressed) clusters.push(offset);
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

const ownBytes = async (file: BoundedReader): Promise<Map<string, number>> => {
  const own = new Map<string, number>();
  const header = await readHeader(file);
  if (!header) return own;
  const { clusterBytes } = header;
  const refcounts = new Refcounts(file, header);
  for (const { name, l1, l1Size } of await readEntries(file, header)) {
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
 * Reads how many bytes of a qcow2 file only each of its snapshots refers to, by name. For a running guest, that is
 * as of the last time its QEMU wrote its tables. The file is never trusted: a wrong one gives a wrong number.
 * @returns nothing when the file has features that guests' disks do not have, or too many tables to be read for this
 */
export const readOwnBytes = async (path: string): Promise<ReadonlyMap<string, number>> => {
  const file = await open(path, O_RDONLY | O_NOFOLLOW);
  try {
    return await ownBytes(new BoundedReader(file));
  } catch (error) {
    if (error instanceof RangeError) return new Map();
    throw error;
  } finally {
    await file.close();
  }
};
