import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../files/atomic-files.js';
import { readStateFile, stateText } from '../../files/state-file.js';
import type { Verification } from '../../model/backup.js';

/** What this host knows of a backup beside what the repository says. */
export interface BackupRecord {
  /** Bytes. */
  stored?: number;
  /** The bytes of the archive of a volume. */
  size?: number;
  verified?: Verification;
  problem?: string;
}

/** A file per backup. */
export class BackupRecords {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = join(dir, 'backups');
  }

  async open(): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
  }

  async read(backup: string): Promise<BackupRecord> {
    return (await readStateFile<BackupRecord>(this.#path(backup))) ?? {};
  }

  async write(backup: string, record: BackupRecord): Promise<void> {
    await replaceFile(this.#path(backup), stateText(record));
  }

  async remove(backup: string): Promise<void> {
    await rm(this.#path(backup), { force: true });
  }

  #path(backup: string): string {
    return join(this.#dir, `${backup}.json`);
  }
}
