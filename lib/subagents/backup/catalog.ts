import type { BackedUpDisk, Backup } from '../../model/backup.js';
import { notFound } from '../shared/errors.js';
import type { BackupRecords } from './records.js';
import type { Repository } from './restic/repository.js';
import type { Snapshot } from './restic/snapshots.js';
import type { Runs } from './runs.js';
import { BACKUP_TAG, backupOf, backupTag, withSize } from './tags.js';

/** A backup, and the id of the snapshot that has it. */
export interface StoredBackup {
  backup: Backup;
  snapshot: string;
}

/** Returns a disk of a backup. @throws {Refusal} `not_found` */
export const requireDisk = ({ backup }: StoredBackup, disk: string): BackedUpDisk => {
  const found = backup.disks.find((other) => other.disk === disk);
  if (!found) throw notFound(`disk ${disk} of backup ${backup.id}`);
  return found;
};

/** The backups in the repository, of all hosts that use it. */
export class Catalog {
  readonly #repository: Repository;
  readonly #runs: Runs;
  readonly #records: BackupRecords;

  constructor(repository: Repository, runs: Runs, records: BackupRecords) {
    this.#repository = repository;
    this.#runs = runs;
    this.#records = records;
  }

  /** Lists the backups, oldest first: those of all guests, or of one; and only those with the further tags. */
  async list(
    signal: AbortSignal,
    { guest, tags = [] }: { guest?: string | undefined; tags?: readonly string[] } = {},
  ): Promise<StoredBackup[]> {
    const snapshots = await this.#repository.snapshots(signal, [[BACKUP_TAG, ...tags]]);
    const wanted = snapshots.filter(
      (snapshot) => (guest === undefined || snapshot.hostname === guest) && this.#runs.isGood(snapshot),
    );
    const found = await Promise.all(wanted.map((snapshot) => this.#describe(snapshot)));
    return found
      .filter((backup) => backup !== undefined)
      .sort((a, b) => a.backup.created.localeCompare(b.backup.created));
  }

  async find(backup: string, signal: AbortSignal): Promise<StoredBackup | undefined> {
    return (await this.list(signal, { tags: [backupTag(backup)] })).at(-1);
  }

  /** @throws {Refusal} `not_found` */
  async get(backup: string, signal: AbortSignal): Promise<StoredBackup> {
    const found = await this.find(backup, signal);
    if (!found) throw notFound(`backup ${backup}`);
    return found;
  }

  /** Returns the latest backup of a guest. */
  async newest(guest: string, signal: AbortSignal): Promise<StoredBackup | undefined> {
    return (await this.list(signal, { guest })).at(-1);
  }

  async #describe(snapshot: Snapshot): Promise<StoredBackup | undefined> {
    const known = backupOf(snapshot);
    if (!known) return undefined;
    const { stored = snapshot.summary?.data_added_packed, ...record } = await this.#records.read(known.id);
    return { snapshot: snapshot.id, backup: { ...withSize(known, stored), ...record } };
  }
}
