import { Readable } from 'node:stream';
import type { BackedUpDisk, Backup } from '../../../model/backup.js';
import { diskNumber } from '../../../model/disks.js';
import type { Guest } from '../../../model/guest.js';
import { MB } from '../../../model/units.js';
import type {
  BackupSource,
  GuestBackupRequest,
  OpenBackupResponse,
  OpenRestoreRequest,
  OpenRestoreResponse,
} from '../../../rpc/protocol/backup-disk-messages.js';
import type {
  BackupDetailsResponse,
  BackupDiskRequest,
  BackupRequest,
  BackupResponse,
  BackupsRequest,
  BackupsResponse,
  CreateBackupRequest,
} from '../../../rpc/protocol/backup-messages.js';
import type { ByteStream } from '../../../rpc/protocol/byte-stream.js';
import type { GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';

/** The share of a disk that the first backup of a guest reads, and that a later one does. */
const FIRST_SHARE = 1 / 4;
const LATER_SHARE = 1 / 100;

const disksOf = ({ disks = [] }: Guest): BackedUpDisk[] =>
  disks.map((disk, index) => ({ disk: String(diskNumber(disk, index)), size: disk.size * MB }));

const nbdDisk = (disk: BackedUpDisk) => ({ ...disk, socket: '/run/mistify/nbd.sock', export: disk.disk });

const sizeOf = (disks: readonly BackedUpDisk[]): number => disks.reduce((sum, { size }) => sum + size, 0);

/** A repository that remembers the backups and their guests, without any content. */
export class MadeUpRepository {
  readonly #backups = new Map<string, { backup: Backup; record: Guest }>();

  openBackup({ guest }: GuestBackupRequest): OpenBackupResponse {
    const source: BackupSource = {
      consistency: guest.state === 'running' ? 'filesystem' : 'crash',
      moment: new Date().toISOString(),
      disks: disksOf(guest).map(nbdDisk),
      files: [],
    };
    return { guest, source };
  }

  openRestore({ guest, restore }: OpenRestoreRequest): OpenRestoreResponse {
    return { guest, target: { disks: restore.disks.map(nbdDisk), filesDir: '/run/mistify/files' } };
  }

  create({ guest, backup: id, source }: CreateBackupRequest): BackupResponse {
    const isFirst = this.list({ guest: guest.id }).backups.length === 0;
    const size = sizeOf(source.disks);
    const read = Math.round(size * (isFirst ? FIRST_SHARE : LATER_SHARE));
    const backup: Backup = {
      id,
      guest: guest.id,
      ...(guest.metadata?.name ? { name: guest.metadata.name } : {}),
      host: 'test-service',
      created: source.moment,
      consistency: source.consistency,
      size,
      read,
      stored: Math.round(read / 2),
      ...(isFirst ? { whole: 'it is the first backup of this guest' } : {}),
      disks: source.disks.map(({ disk, size: bytes }) => ({ disk, size: bytes })),
    };
    this.#backups.set(id, { backup, record: guest });
    return { backup, ...(backup.whole ? { message: `everything was read: ${backup.whole}` } : {}) };
  }

  restore({ guest, backup }: GuestBackupRequest): GuestResponse {
    this.#require(backup);
    return { guest };
  }

  list({ guest }: BackupsRequest): BackupsResponse {
    const all = [...this.#backups.values()].map(({ backup }) => backup);
    return { backups: all.filter((backup) => guest === undefined || backup.guest === guest) };
  }

  get({ backup }: BackupRequest): BackupDetailsResponse {
    return { ...this.#require(backup), files: [] };
  }

  verify({ backup: id }: BackupRequest): BackupResponse {
    const found = this.#require(id);
    const backup: Backup = { ...found.backup, verified: { at: new Date().toISOString(), ok: true } };
    this.#backups.set(id, { ...found, backup });
    return { backup };
  }

  delete({ backup: id }: BackupRequest): BackupResponse {
    const { backup } = this.#require(id);
    this.#backups.delete(id);
    return { backup };
  }

  /** Streams one MB of a disk: lines with the id of the backup. */
  download({ backup, disk }: BackupDiskRequest): ByteStream {
    this.#require(backup);
    const bytes = Buffer.alloc(MB, `${backup} ${disk}\n`);
    return { bytes: Readable.from([bytes], { objectMode: false }), length: bytes.length };
  }

  #require(id: string): { backup: Backup; record: Guest } {
    const found = this.#backups.get(id);
    if (!found) throw new Refusal('not_found', `backup ${id}: not found`);
    return found;
  }
}
