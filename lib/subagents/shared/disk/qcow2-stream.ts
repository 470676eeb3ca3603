import { CLUSTER_BYTES, clustersOf, type DataMap, PART_CLUSTERS } from './data-map.js';

/** The entries of the tables of a qcow2 file with this cluster size: QEMU's docs/interop/qcow2.txt. */
const CLUSTER_BITS = 16;
const L2_ENTRIES = PART_CLUSTERS;
const REFCOUNT_ENTRIES = CLUSTER_BYTES / 2;
/** The flag of a cluster whose refcount is one. */
const COPIED = 1n << 63n;

const MAGIC = 0x514649fb;
const VERSION = 3;
const HEADER_BYTES = 104;
/** The logarithm of the bits of a refcount. */
const REFCOUNT_ORDER = 4;

/** The places of the parts of a file, in clusters; each part follows the one before. */
interface Layout {
  refcountTable: number;
  refcountBlocks: number;
  l1: number;
  l2: number;
  data: number;
  total: number;
  /** The parts of the disk with data, each of which an L2 table describes. */
  parts: number[];
}

const l1EntriesOf = ({ clusters }: DataMap): number => Math.max(1, Math.ceil(clusters / L2_ENTRIES));

const layoutOf = (map: DataMap): Layout => {
  const { parts } = map;
  const l1Clusters = Math.ceil((l1EntriesOf(map) * 8) / CLUSTER_BYTES);
  const rest = 1 + l1Clusters + parts.length + map.count;
  let [blocks, tables, total] = [0, 0, rest];
  // The refcounts count their own clusters, too.
  for (let before = -1; before !== total; ) {
    before = total;
    blocks = Math.ceil(total / REFCOUNT_ENTRIES);
    tables = Math.ceil((blocks * 8) / CLUSTER_BYTES);
    total = rest + blocks + tables;
  }
  const refcountBlocks = 1 + tables;
  const l1 = refcountBlocks + blocks;
  const l2 = l1 + l1Clusters;
  return { refcountTable: 1, refcountBlocks, l1, l2, data: l2 + parts.length, total, parts };
};

const headerOf = (map: DataMap, { refcountTable, refcountBlocks, l1 }: Layout): Buffer => {
  const header = Buffer.alloc(CLUSTER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(VERSION, 4);
  header.writeUInt32BE(CLUSTER_BITS, 20);
  header.writeBigUInt64BE(BigInt(map.size), 24);
  header.writeUInt32BE(l1EntriesOf(map), 36);
  header.writeBigUInt64BE(BigInt(l1 * CLUSTER_BYTES), 40);
  header.writeBigUInt64BE(BigInt(refcountTable * CLUSTER_BYTES), 48);
  header.writeUInt32BE(refcountBlocks - refcountTable, 56);
  header.writeUInt32BE(REFCOUNT_ORDER, 96);
  header.writeUInt32BE(HEADER_BYTES, 100);
  return header;
};

/** Writes a table of 64-bit entries, padded to whole clusters, one cluster at a time. */
function* table(entries: number, entry: (index: number) => bigint): Generator<Buffer> {
  for (let first = 0; first < entries; first += L2_ENTRIES) {
    const cluster = Buffer.alloc(CLUSTER_BYTES);
    for (let index = first; index < Math.min(entries, first + L2_ENTRIES); index += 1)
      cluster.writeBigUInt64BE(entry(index), (index - first) * 8);
    yield cluster;
  }
}

const offsetOf = (cluster: number): bigint => BigInt(cluster * CLUSTER_BYTES);

function* refcounts({ refcountBlocks, l1, total }: Layout): Generator<Buffer> {
  yield* table(l1 - refcountBlocks, (block) => offsetOf(refcountBlocks + block));
  for (let first = 0; first < total; first += REFCOUNT_ENTRIES) {
    const block = Buffer.alloc(CLUSTER_BYTES);
    for (let at = 0; at < Math.min(REFCOUNT_ENTRIES, total - first); at += 1) block.writeUInt16BE(1, at * 2);
    yield block;
  }
}

function* mappings(map: DataMap, { l2, data, parts }: Layout): Generator<Buffer> {
  const tables = new Map(parts.map((part, index) => [part, l2 + index]));
  yield* table(l1EntriesOf(map), (part) => {
    const cluster = tables.get(part);
    return cluster === undefined ? 0n : offsetOf(cluster) | COPIED;
  });
  let next = data;
  for (const part of parts)
    yield* table(L2_ENTRIES, (index) => {
      if (!map.has(part * L2_ENTRIES + index)) return 0n;
      next += 1;
      return offsetOf(next - 1) | COPIED;
    });
}

async function* dataOf(map: DataMap, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let cluster = 0;
  for await (const content of clustersOf(bytes)) {
    if (map.has(cluster))
      yield content.length === CLUSTER_BYTES
        ? content
        : Buffer.concat([content, Buffer.alloc(CLUSTER_BYTES - content.length)]);
    cluster += 1;
  }
  if (cluster !== map.clusters)
    throw new Error(`the disk has only ${cluster} of its ${map.clusters} clusters of ${CLUSTER_BYTES} bytes`);
}

/** A qcow2 file that is written in one pass, and whose size is known before. */
export interface Qcow2Stream {
  /** Bytes of the file. */
  size: number;
  bytes: AsyncGenerator<Buffer, void, undefined>;
}

/**
 * Makes a qcow2 file of a disk, without holes and without zeros. qemu-img(1) can only write to a file that it can seek in.
 * @param bytes the raw disk; it is read only once the file is
 */
export const qcow2Stream = (map: DataMap, bytes: () => AsyncIterable<Buffer>): Qcow2Stream => {
  const layout = layoutOf(map);
  async function* write(): AsyncGenerator<Buffer, void, undefined> {
    yield headerOf(map, layout);
    yield* refcounts(layout);
    yield* mappings(map, layout);
    yield* dataOf(map, bytes());
  }
  return { size: layout.total * CLUSTER_BYTES, bytes: write() };
};
