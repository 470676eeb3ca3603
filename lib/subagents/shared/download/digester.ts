import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../../../files/package-root.js';
import { MB } from '../../../model/units.js';
import type { Algorithm, Digests } from './digests.js';

const WORKER = join(packageRoot, 'dist/lib/subagents/shared/download/hash-worker.js');
const BLOCK_BYTES = MB;
/** A file that fits into these is added up at its end: a thread takes longer to start. */
const MAX_BLOCKS = 4;

type Block = Uint8Array<ArrayBuffer>;

/**
 * Calculates the sums of a file while it is received. A thread of its own adds up a large file, because the one that receives
 * it is busy enough. Close it if its sums are not wanted any more.
 */
export class Digester {
  readonly #algorithms: readonly Algorithm[];
  /** Full blocks, until there is a thread. */
  readonly #waiting: Block[] = [];
  readonly #free: Block[] = [];
  #made = 0;
  #filling: Block | undefined;
  #held = 0;
  #worker: Worker | undefined;
  #digests: Digests | undefined;
  #error: unknown;

  constructor(algorithms: Iterable<Algorithm>) {
    this.#algorithms = [...algorithms];
  }

  /** Adds bytes, which may be reused once this resolves. */
  async update(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      this.#filling ??= await this.#nextBlock();
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.#held);
      this.#filling.set(part, this.#held);
      this.#held += part.length;
      at += part.length;
      if (this.#held === BLOCK_BYTES) this.#send(this.#takeFilled());
    }
  }

  /** Returns the sums of all bytes, and closes. */
  async digests(): Promise<Digests> {
    const last = this.#takeFilled();
    if (!this.#worker) return this.#addUp([...this.#waiting, last]);
    this.#send(last);
    this.#worker.postMessage(undefined);
    while (!this.#digests) await this.#message(this.#worker);
    this.close();
    return this.#digests;
  }

  close(): void {
    void this.#worker?.terminate();
  }

  #addUp(blocks: readonly Block[]): Digests {
    const sums = this.#algorithms.map((name) => {
      const hash = createHash(name);
      for (const block of blocks) hash.update(block);
      return [name, hash.digest('hex')];
    });
    return Object.fromEntries(sums);
  }

  #takeFilled(): Block {
    const filled = (this.#filling ?? new Uint8Array()).subarray(0, this.#held);
    [this.#filling, this.#held] = [undefined, 0];
    return filled;
  }

  #send(block: Block): void {
    if (this.#worker) this.#worker.postMessage(block, [block.buffer]);
    else this.#waiting.push(block);
  }

  async #nextBlock(): Promise<Block> {
    if (this.#made < MAX_BLOCKS) {
      this.#made += 1;
      return new Uint8Array(BLOCK_BYTES);
    }
    this.#worker ??= this.#start();
    for (;;) {
      const block = this.#free.pop();
      if (block) return block;
      await this.#message(this.#worker);
    }
  }

  #start(): Worker {
    const worker = new Worker(WORKER, { workerData: this.#algorithms });
    worker.unref();
    worker.on('error', (error) => {
      this.#error = error;
    });
    worker.on('message', (message: ArrayBuffer | Digests) => {
      if (message instanceof ArrayBuffer) this.#free.push(new Uint8Array(message));
      else this.#digests = message;
    });
    for (const block of this.#waiting.splice(0)) worker.postMessage(block, [block.buffer]);
    return worker;
  }

  /** Waits for the thread's next message, which is handled before this resolves. */
  async #message(worker: Worker): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    await once(worker, 'message');
  }
}
