import type { Volume } from '../model/volume.js';
import type { PendingVolumeBackup, VolumeBackup, VolumeRestore } from '../model/volume-backup.js';
import { List } from './pages.js';
import { path } from './path.js';
import { type Accepted, type JobOptions, submit } from './submit.js';
import type { Transport } from './transport.js';

export interface VolumeBackupsFilter {
  /** The name of a volume; the backups of all volumes by default. */
  volume?: string | undefined;
}

/** The backups of volumes in the repository. */
export class VolumeBackups extends List<VolumeBackup, VolumeBackupsFilter> {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport, '/volume_backups');
    this.#transport = transport;
  }

  /** Backs the files of a volume up. */
  create(volume: string, options?: JobOptions): Promise<Accepted<PendingVolumeBackup>> {
    return submit(this.#transport, { method: 'POST', path: path`/volumes/${volume}/backups` }, options);
  }

  /** Makes a new volume of a backup. */
  restore(id: string, request: VolumeRestore = {}, options?: JobOptions): Promise<Accepted<Volume[]>> {
    const target = path`/volume_backups/${id}/restore`;
    return submit(this.#transport, { method: 'POST', path: target, body: request }, options);
  }

  /** Reads a backup completely. */
  verify(id: string, options?: JobOptions): Promise<Accepted<PendingVolumeBackup>> {
    return submit(this.#transport, { method: 'POST', path: path`/volume_backups/${id}/verify` }, options);
  }

  delete(id: string, options?: JobOptions): Promise<Accepted<object>> {
    return submit(this.#transport, { method: 'DELETE', path: path`/volume_backups/${id}` }, options);
  }
}
