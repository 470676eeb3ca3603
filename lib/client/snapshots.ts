import type { Snapshot } from '../model/snapshot.js';
import { type DiskDownloadOptions, downloadDisk } from './disk-download.js';
import { List } from './pages.js';
import { path } from './path.js';
import { type Accepted, type JobOptions, submit } from './submit.js';
import type { CallOptions, Download, Transport } from './transport.js';

export interface RollbackOptions extends JobOptions {
  /** Whether to destroy newer snapshots; while some exist, a rollback fails otherwise. */
  destroyMoreRecent?: boolean | undefined;
  /** Whether the guest continues with the memory in the snapshot; by default as far as the snapshot has it. */
  memory?: boolean | undefined;
  /** Whether a guest that runs is powered off first. */
  poweroff?: boolean | undefined;
}

export interface SnapshotOptions extends JobOptions {
  /** What the snapshot is for, in one line. */
  description?: string | undefined;
  /** Whether it has the guest's memory, too. */
  memory?: boolean | undefined;
}

const basePath = (guestId: string, disk: string | undefined): string =>
  disk === undefined ? path`/guests/${guestId}/snapshots` : path`/guests/${guestId}/disks/${disk}/snapshots`;

/** The snapshots of one disk of a guest, or of all its disks. */
export class Snapshots extends List<Snapshot> {
  readonly #transport: Transport;
  readonly #path: string;

  /** @param disk the disk's number or device name; all disks by default */
  constructor(transport: Transport, guestId: string, disk?: string) {
    const base = basePath(guestId, disk);
    super(transport, base);
    this.#transport = transport;
    this.#path = base;
  }

  /** Returns the snapshot, one entry per disk. */
  get(name: string, options?: CallOptions): Promise<Snapshot[]> {
    return this.#transport.get(this.#path + path`/${name}`, {}, options);
  }

  /** @param name by default `snap-<unix seconds>` */
  create(
    name?: string,
    { description, memory, ...options }: SnapshotOptions = {},
  ): Promise<Accepted<Snapshot[]>> {
    const body = {
      ...(name === undefined ? {} : { dest: name }),
      ...(description ? { description } : {}),
      ...(memory ? { memory } : {}),
    };
    return submit(this.#transport, { method: 'POST', path: this.#path, body }, options);
  }

  /** @param description what the snapshot is for; `null` removes it */
  describe(name: string, description: string | null, options?: JobOptions): Promise<Accepted<Snapshot[]>> {
    const target = this.#path + path`/${name}`;
    return submit(this.#transport, { method: 'PATCH', path: target, body: { description } }, options);
  }

  rollBack(
    name: string,
    { destroyMoreRecent = false, memory, poweroff, ...options }: RollbackOptions = {},
  ): Promise<Accepted<Snapshot[]>> {
    const target = this.#path + path`/${name}/rollback`;
    const body = {
      destroyMoreRecent,
      ...(memory === undefined ? {} : { memory }),
      ...(poweroff ? { poweroff } : {}),
    };
    return submit(this.#transport, { method: 'POST', path: target, body }, options);
  }

  delete(name: string, options?: JobOptions): Promise<Accepted<Snapshot[]>> {
    return submit(this.#transport, { method: 'DELETE', path: this.#path + path`/${name}` }, options);
  }

  /** Streams the content of one disk. A guest with several disks needs `disk` to be chosen. */
  download(name: string, options?: DiskDownloadOptions): Promise<Download> {
    return downloadDisk(this.#transport, this.#path + path`/${name}/download`, options);
  }
}
