import type { Backup, PendingBackup } from '../model/backup.js';
import type { BackupDetails } from '../model/backup-details.js';
import type { Guest } from '../model/guest.js';
import type { RestoreRequest } from '../model/restore.js';
import { type DiskDownloadOptions, downloadDisk } from './disk-download.js';
import { List } from './pages.js';
import { path } from './path.js';
import { type Accepted, type JobOptions, submit } from './submit.js';
import type { CallOptions, Download, Transport } from './transport.js';

export interface BackupsFilter {
  /** The id of a guest; the backups of all guests by default. */
  guest?: string | undefined;
}

/** The backups in the repository. */
export class Backups extends List<Backup, BackupsFilter> {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport, '/backups');
    this.#transport = transport;
  }

  /** Returns a backup with the record of its guest. */
  get(id: string, options?: CallOptions): Promise<BackupDetails> {
    return this.#transport.get(path`/backups/${id}`, {}, options);
  }

  /** Restores a backup: into `guest`, or as a new guest. */
  restore(id: string, request: RestoreRequest = {}, options?: JobOptions): Promise<Accepted<Guest>> {
    const target = path`/backups/${id}/restore`;
    return submit(this.#transport, { method: 'POST', path: target, body: request }, options);
  }

  /** Reads a backup completely and compares it with what was written. */
  verify(id: string, options?: JobOptions): Promise<Accepted<PendingBackup>> {
    return submit(this.#transport, { method: 'POST', path: path`/backups/${id}/verify` }, options);
  }

  delete(id: string, options?: JobOptions): Promise<Accepted<object>> {
    return submit(this.#transport, { method: 'DELETE', path: path`/backups/${id}` }, options);
  }

  /** Frees the room of deleted backups. */
  prune(options?: JobOptions): Promise<Accepted<object>> {
    return submit(this.#transport, { method: 'POST', path: '/backups/prune' }, options);
  }

  /** Streams the content of a disk. */
  download(id: string, disk: string, options?: DiskDownloadOptions): Promise<Download> {
    return downloadDisk(this.#transport, path`/backups/${id}/disks/${disk}/download`, options);
  }
}

/** The backups of a guest of the host. */
export class GuestBackups extends List<Backup> {
  readonly #transport: Transport;
  readonly #path: string;

  constructor(transport: Transport, guestId: string) {
    const base = path`/guests/${guestId}/backups`;
    super(transport, base);
    this.#transport = transport;
    this.#path = base;
  }

  /** Backs the guest up. */
  create(options?: JobOptions): Promise<Accepted<PendingBackup>> {
    return submit(this.#transport, { method: 'POST', path: this.#path }, options);
  }
}
