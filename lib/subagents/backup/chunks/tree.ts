import { chmod, chown, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InFlight } from '../../../async/in-flight.js';
import { ifExists } from '../../../files/atomic-files.js';
import { chunkPath, DISKS, FILE_SUMS, FILES, RECORD, SUMS, sumsPath } from './layout.js';
import { emptyChunk, fillChunk, makePlaceholder, writeReadable } from './placeholders.js';
import { DiskSums, formatSums, sumOf } from './sums.js';

/** restic's group may enter, and new files get that group: chmod(1), "set-group-ID". */
const DIRECTORY_MODE = 0o2750;
const PARALLEL = 8;

/** What restic must say about a snapshot. */
export interface Expectation {
  /** The files that it must have read. */
  written: number;
  /** All files. */
  total: number;
}

/**
 * The folder that restic backs up for a guest: a file for each chunk of its disks that is not zeros, the sums of all of
 * these, and small files. Only chunks that changed since the last snapshot have content. The others are placeholders.
 */
export class Tree {
  readonly dir: string;
  readonly #disks: Map<string, DiskSums>;
  /** The sizes of the chunks that have content, by path. */
  readonly #filled = new Map<string, number>();
  readonly #written = new Set<string>();
  readonly #small = new Set<string>();
  readonly #folders = new Set<string>();
  #filledBytes = 0;
  #stamp: number;

  /**
   * @param disks the sums of the disks that it has
   * @param lastStamp the latest modification time of its files, in seconds since 1970
   */
  private constructor(dir: string, disks: Map<string, DiskSums>, lastStamp: number) {
    this.dir = dir;
    this.#disks = disks;
    this.#stamp = Math.max(lastStamp + 1, Math.floor(Date.now() / 1000));
  }

  /** Makes an empty tree that the group of restic may read, in place of an earlier one. */
  static async create(dir: string, gid: number): Promise<Tree> {
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    await chown(dir, process.getuid?.() ?? 0, gid);
    await chmod(dir, DIRECTORY_MODE);
    return new Tree(dir, new Map(), 0);
  }

  /** Opens a tree as the last successful backup has left it. */
  static async open(dir: string, lastStamp: number): Promise<Tree> {
    const disks = new Map<string, DiskSums>();
    for (const disk of (await ifExists(readdir(join(dir, SUMS)))) ?? []) {
      if (disk === FILES) continue;
      const sums = new DiskSums();
      const folder = join(dir, SUMS, disk);
      for (const name of await readdir(folder)) sums.add(await readFile(join(folder, name), 'utf8'));
      disks.set(disk, sums);
    }
    const tree = new Tree(dir, disks, lastStamp);
    for (const path of [FILES, RECORD, FILE_SUMS])
      await rm(join(dir, path), { recursive: true, force: true });
    return tree;
  }

  /** The modification time of what is written now. */
  get stamp(): number {
    return this.#stamp;
  }

  /** The bytes of content that the chunks take up. */
  get filledBytes(): number {
    return this.#filledBytes;
  }

  get diskNames(): string[] {
    return [...this.#disks.keys()];
  }

  /** Returns the sums of a disk, which it adds when it does not have it. */
  async disk(disk: string): Promise<DiskSums> {
    const sums = this.#disks.get(disk) ?? new DiskSums();
    this.#disks.set(disk, sums);
    for (const path of [join(DISKS, disk), join(SUMS, disk)]) await this.#makeFolder(path);
    return sums;
  }

  async removeDisk(disk: string): Promise<void> {
    this.#disks.delete(disk);
    for (const path of [join(DISKS, disk), join(SUMS, disk)]) {
      await rm(join(this.dir, path), { recursive: true, force: true });
      for (const folder of this.#folders) if (folder.startsWith(path)) this.#folders.delete(folder);
    }
  }

  async writeChunk(disk: string, index: number, content: Buffer, sum: Buffer): Promise<void> {
    const sums = await this.disk(disk);
    const path = chunkPath(disk, index);
    await this.#makeFolder(dirname(path));
    this.#filled.set(path, content.length);
    this.#filledBytes += content.length;
    this.#written.add(path);
    await fillChunk(join(this.dir, path), content, { isNew: !sums.get(index), stamp: this.#stamp });
    sums.set(index, sum);
  }

  /** Removes a chunk that has become zeros. */
  async removeChunk(disk: string, index: number): Promise<void> {
    await rm(join(this.dir, chunkPath(disk, index)));
    (await this.disk(disk)).delete(index);
  }

  /** Adds the placeholder of a chunk. Its sum must be added, too. */
  async addPlaceholder(disk: string, index: number, size: number, stamp: number): Promise<void> {
    const path = chunkPath(disk, index);
    await this.#makeFolder(dirname(path));
    await makePlaceholder(join(this.dir, path), size, stamp);
    this.#stamp = Math.max(this.#stamp, stamp + 1);
  }

  /** Adds a file of sums as a snapshot has it. */
  async addSums(disk: string, folder: number, text: string, stamp: number): Promise<void> {
    (await this.disk(disk)).add(text);
    await writeReadable(join(this.dir, sumsPath(disk, folder)), text, stamp);
    this.#stamp = Math.max(this.#stamp, stamp + 1);
  }

  /** Writes the small files of a guest, and what the backup says about itself. */
  async writeSmall(files: ReadonlyMap<string, Buffer>, record: string): Promise<void> {
    for (const [name, content] of files) await this.#writeSmall(join(FILES, name), content);
    if (files.size > 0) {
      const sums = [...files].map(([name, content]) => [join(FILES, name), sumOf(content)] as const);
      await this.#writeSmall(FILE_SUMS, formatSums(sums));
    }
    await this.#writeSmall(RECORD, record);
  }

  /** Writes the sums that have changed. Call it before a snapshot. @returns what the snapshot must have read */
  async finish(): Promise<Expectation> {
    let total = this.#small.size;
    for (const [disk, sums] of this.#disks) {
      for (const folder of sums.takeChanged()) await this.#writeSums(disk, folder, sums);
      total += sums.count + sums.folders().length;
    }
    return { written: this.#written.size, total };
  }

  /** Makes placeholders of the chunks that a snapshot has read. */
  async settle(): Promise<void> {
    await InFlight.run(PARALLEL, async (flight) => {
      for (const [path, size] of this.#filled)
        await flight.add(() => emptyChunk(join(this.dir, path), size, this.#stamp));
    });
    this.#filled.clear();
    this.#filledBytes = 0;
    this.#written.clear();
    // A file that is written twice must differ by its time, as its size may not.
    this.#stamp += 1;
  }

  async #writeSums(disk: string, folder: number, sums: DiskSums): Promise<void> {
    const path = sumsPath(disk, folder);
    const text = sums.format(disk, folder);
    this.#written.delete(path);
    if (text === '') return rm(join(this.dir, path), { force: true });
    await writeReadable(join(this.dir, path), text, this.#stamp);
    this.#written.add(path);
  }

  async #writeSmall(path: string, content: string | Buffer): Promise<void> {
    await this.#makeFolder(dirname(path));
    await writeReadable(join(this.dir, path), content, this.#stamp);
    this.#small.add(path);
    this.#written.add(path);
  }

  async #makeFolder(path: string): Promise<void> {
    if (path === '.' || this.#folders.has(path)) return;
    await this.#makeFolder(dirname(path));
    const folder = join(this.dir, path);
    await mkdir(folder, { recursive: true });
    await chmod(folder, DIRECTORY_MODE);
    this.#folders.add(path);
  }
}
