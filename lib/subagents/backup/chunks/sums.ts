import { createHash } from 'node:crypto';
import { chunkPath, FOLDER_CHUNKS, folderOf } from './layout.js';

const SUM_BYTES = 32;
const LINE = /^([0-9a-f]{64}) {2}(\S.*)$/;
const NONE = Buffer.alloc(SUM_BYTES);

export const sumOf = (content: Buffer): Buffer => createHash('sha256').update(content).digest();

/** Formats lines of sha256sum(1). */
export const formatSums = (sums: Iterable<readonly [path: string, sum: Buffer]>): string =>
  [...sums].map(([path, sum]) => `${sum.toString('hex')}  ${path}\n`).join('');

/** @throws when a line is not one of sha256sum(1) */
export const parseSums = (text: string): [path: string, sum: Buffer][] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, sum, path] = LINE.exec(line) ?? [];
      if (sum === undefined || path === undefined)
        throw new Error(`not a line of sums: ${line.slice(0, 100)}`);
      return [path, Buffer.from(sum, 'hex')];
    });

/** The sums of the chunks in one folder. */
interface FolderSums {
  sums: Buffer;
  /** How many of them there are. */
  count: number;
}

/** The sums of a disk's chunks. Chunks that have none are zeros. */
export class DiskSums {
  readonly #folders = new Map<number, FolderSums>();
  readonly #changed = new Set<number>();

  /** Adds what a file of sums has about chunks of the disk. */
  add(text: string): void {
    for (const [path, sum] of parseSums(text)) this.#put(Number(path.split('/').at(-1)), sum);
    this.#changed.clear();
  }

  get(index: number): Buffer | undefined {
    const at = (index % FOLDER_CHUNKS) * SUM_BYTES;
    const sum = this.#folders.get(folderOf(index))?.sums.subarray(at, at + SUM_BYTES);
    return sum === undefined || sum.equals(NONE) ? undefined : sum;
  }

  set(index: number, sum: Buffer): void {
    this.#put(index, sum);
  }

  delete(index: number): void {
    this.#put(index, NONE);
  }

  /** The number of chunks that are not zeros. */
  get count(): number {
    return [...this.#folders.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** The chunks that are not zeros, in order. */
  *indexes(): Generator<number> {
    for (const folder of [...this.#folders.keys()].sort((a, b) => a - b))
      for (let n = 0; n < FOLDER_CHUNKS; n += 1) {
        const index = folder * FOLDER_CHUNKS + n;
        if (this.get(index)) yield index;
      }
  }

  /** The folders with chunks that are not zeros. */
  folders(): number[] {
    return [...this.#folders].filter(([, { count }]) => count > 0).map(([folder]) => folder);
  }

  /** The folders whose sums have changed since the last call. */
  takeChanged(): number[] {
    const folders = [...this.#changed];
    this.#changed.clear();
    return folders;
  }

  /** Formats the sums of a folder; empty when all its chunks are zeros. */
  format(disk: string, folder: number): string {
    const lines: [string, Buffer][] = [];
    for (let n = 0; n < FOLDER_CHUNKS; n += 1) {
      const index = folder * FOLDER_CHUNKS + n;
      const sum = this.get(index);
      if (sum) lines.push([chunkPath(disk, index), sum]);
    }
    return formatSums(lines);
  }

  #put(index: number, sum: Buffer): void {
    const had = this.get(index) !== undefined;
    const folder = folderOf(index);
    const sums = this.#folders.get(folder) ?? { sums: Buffer.alloc(FOLDER_CHUNKS * SUM_BYTES), count: 0 };
    this.#folders.set(folder, sums);
    sum.copy(sums.sums, (index % FOLDER_CHUNKS) * SUM_BYTES);
    sums.count += Number(sum !== NONE) - Number(had);
    this.#changed.add(folder);
  }
}
