import { isZero } from '../../../files/zeros.js';

/** The unit in which a map tells data from zeros, and the cluster size of exported qcow2 files, in bytes. */
export const CLUSTER_BYTES = 64 * 1024;

/** The clusters of a part of a disk: as many as a table of a qcow2 file describes. */
export const PART_CLUSTERS = CLUSTER_BYTES / 8;

/** Says which clusters of a disk have data: one bit each, so that the map of a huge disk is small. */
export class DataMap {
  /** Bytes of the disk. */
  readonly size: number;
  readonly clusters: number;
  readonly #bits: Uint8Array;
  readonly #parts = new Set<number>();
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.clusters = Math.ceil(size / CLUSTER_BYTES);
    this.#bits = new Uint8Array(Math.ceil(this.clusters / 8));
  }

  /** The number of clusters with data. */
  get count(): number {
    return this.#count;
  }

  /** The numbers of the parts with data, in their order. */
  get parts(): number[] {
    return [...this.#parts].sort((one, other) => one - other);
  }

  has(cluster: number): boolean {
    return ((this.#bits[cluster >> 3] ?? 0) & (1 << (cluster & 7))) !== 0;
  }

  /** Records data in a range of bytes. */
  add(start: number, length: number): void {
    const end = Math.min(this.clusters, Math.ceil((start + length) / CLUSTER_BYTES));
    for (let cluster = Math.floor(start / CLUSTER_BYTES); cluster < end; cluster += 1) {
      if (this.has(cluster)) continue;
      this.#bits[cluster >> 3] = (this.#bits[cluster >> 3] ?? 0) | (1 << (cluster & 7));
      this.#parts.add(Math.floor(cluster / PART_CLUSTERS));
      this.#count += 1;
    }
  }
}

/** Cuts a disk's bytes into clusters; the last one may be shorter. */
export async function* clustersOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    held.push(chunk);
    length += chunk.length;
    if (length < CLUSTER_BYTES) continue;
    const all = held.length === 1 ? chunk : Buffer.concat(held, length);
    let at = 0;
    for (; at + CLUSTER_BYTES <= length; at += CLUSTER_BYTES) yield all.subarray(at, at + CLUSTER_BYTES);
    held = at < length ? [all.subarray(at)] : [];
    length -= at;
  }
  if (length > 0) yield Buffer.concat(held, length);
}

/** Finds the clusters with data by reading them all. */
export const scanData = async (bytes: AsyncIterable<Buffer>, size: number): Promise<DataMap> => {
  const map = new DataMap(size);
  let position = 0;
  for await (const cluster of clustersOf(bytes)) {
    if (!isZero(cluster)) map.add(position, cluster.length);
    position += cluster.length;
  }
  return map;
};
