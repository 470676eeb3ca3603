import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { guestKey, type Locks } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { ifExists, replaceFile, sync } from '../../../files/atomic-files.js';
import type { Logger } from '../../../log.js';
import type { DiskStore } from '../disk-store.js';

/** How long an imported guest waits for its agent to create it. */
const WAIT_MS = 60 * 60_000;
const SWEEP_MS = 10 * 60_000;

export interface PendingImportsOptions {
  store: DiskStore;
  locks: Locks;
  /** The directory of the records. */
  dir: string;
  log: Logger;
}

/**
 * The guests whose disks were imported, and which the agent has not created yet. A record on disk names each one: if its
 * agent never does, its disks are removed.
 */
export class PendingImports {
  readonly #options: PendingImportsOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PendingImportsOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    await mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
    await this.#sweep();
    this.#timer = setInterval(() => void this.#sweep(), SWEEP_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /**
   * Records a guest before its disks are there. The caller holds its lock, as for all methods below.
   * @returns the token that names this import of the guest
   */
  async add(guest: string): Promise<string> {
    const token = randomUUID();
    await replaceFile(this.#recordOf(guest), token);
    return token;
  }

  /** Returns the token of a guest that waits. */
  find(guest: string): Promise<string | undefined> {
    return ifExists(readFile(this.#recordOf(guest), 'utf8'));
  }

  /** Forgets a guest that its agent creates: its disks stay. */
  async settle(guest: string): Promise<void> {
    await rm(this.#recordOf(guest), { force: true });
    await sync(this.#options.dir);
  }

  /** Removes the disks of a guest that waits: its agent does not create it. */
  async discard(guest: string): Promise<void> {
    if ((await this.find(guest)) === undefined) return;
    await this.#options.store.deleteDisks(guest);
    await this.settle(guest);
  }

  async #sweep(): Promise<void> {
    const { dir, locks, log } = this.#options;
    for (const guest of await readdir(dir).catch(() => [])) {
      const record = await ifExists(stat(join(dir, guest)));
      if (!record || Date.now() - record.mtimeMs < WAIT_MS) continue;
      await locks
        .run(guestKey(guest), () => this.discard(guest))
        .catch((error: unknown) =>
          log.warn({ guest }, `abandoned import not removed: ${errorMessage(error)}`),
        );
    }
  }

  #recordOf(guest: string): string {
    return join(this.#options.dir, guest);
  }
}
