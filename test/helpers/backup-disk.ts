import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { exists } from '../../lib/files/exists.js';
import type { Random } from './random.js';
import { qemuImg, qemuIo } from './storage.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

const BLOCK = 65_536;
const EXPORT = 'disk';

/** Where a disk is served. */
export interface Served {
  socket: string;
  export: string;
  end: () => Promise<void>;
}

/** Returns the SHA-256 of a file. */
export const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

/** A qcow2 disk with bitmaps, and its NBD servers. */
export class TestDisk {
  readonly path: string;
  /** Bytes. */
  size: number;
  readonly #t: ExecutionContext;

  private constructor(t: ExecutionContext, path: string, size: number) {
    this.#t = t;
    this.path = path;
    this.size = size;
  }

  /** @param size in qemu-img's notation */
  static async create(t: ExecutionContext, size: number): Promise<TestDisk> {
    const path = join(await tempDir(t), 'disk.qcow2');
    await qemuImg('create', '-q', '-f', 'qcow2', path, `${size}`);
    return new TestDisk(t, path, size);
  }

  /** Writes blocks of 64 kB of one byte each. */
  async fill(blocks: readonly number[], byte: number): Promise<void> {
    for (const block of blocks) await qemuIo(this.path, `write -P ${byte} ${block * BLOCK} ${BLOCK}`);
  }

  /** Writes content that cannot be compressed to random blocks of 64 kB. */
  async scatter(random: Random, count: number): Promise<void> {
    const commands = Array.from({ length: count }, () => {
      const block = random.below(this.size / BLOCK);
      return ['-c', `write -P ${1 + random.below(255)} ${block * BLOCK + random.below(128) * 512} 32k`];
    });
    await execa('qemu-io', ['-f', 'qcow2', ...commands.flat(), this.path]);
  }

  async grow(size: number): Promise<void> {
    await qemuImg('resize', '-q', '-f', 'qcow2', this.path, `${size}`);
    this.size = size;
  }

  async addBitmap(name: string): Promise<void> {
    await qemuImg('bitmap', '--add', '-g', `${BLOCK}`, this.path, name);
  }

  async removeBitmap(name: string): Promise<void> {
    await qemuImg('bitmap', '--remove', this.path, name);
  }

  /** Serves the disk over NBD: with a bitmap, or for writing. */
  async serve({ bitmap, writable = false }: { bitmap?: string; writable?: boolean } = {}): Promise<Served> {
    const socket = join(await tempDir(this.#t), 'nbd.sock');
    const args = ['-t', '-k', socket, '-x', EXPORT, '-f', 'qcow2', '-e', '8'];
    if (!writable) args.push('-r');
    else args.push('--discard=unmap', '--detect-zeroes=unmap');
    if (bitmap !== undefined) args.push('-B', bitmap);
    const server: ChildProcess = spawn('qemu-nbd', [...args, this.path], { stdio: 'ignore' });
    const exited = once(server, 'exit');
    const end = async (): Promise<void> => {
      server.kill();
      await exited;
    };
    this.#t.teardown(end);
    await until('the disk is served', () => exists(socket));
    return { socket, export: EXPORT, end };
  }

  /** Returns the SHA-256 of the disk's raw content. */
  async content(): Promise<string> {
    const raw = `${this.path}.raw`;
    await qemuImg('convert', '-f', 'qcow2', '-O', 'raw', this.path, raw);
    const sum = await sha256(raw);
    await rm(raw);
    return sum;
  }
}
