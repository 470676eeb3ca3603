import { join } from 'node:path';
import type { StoredBackup } from './catalog.js';
import { DISKS, FILE_SUMS, FILES, RECORD, SUMS } from './chunks/layout.js';
import { DiskSums, parseSums, sumOf } from './chunks/sums.js';
import { type BackupContent, parseContent } from './record-text.js';
import type { Repository } from './restic/repository.js';

/** A backup whose content is not what was backed up. */
export class DamagedError extends Error {
  override readonly name = 'DamagedError';
}

/** The sums of all that a backup contains. */
export interface BackupSums {
  disks: ReadonlyMap<string, DiskSums>;
  /** The sums of the small files, by name. */
  files: ReadonlyMap<string, Buffer>;
}

/** Returns the sums of a disk that the backup has. */
export const diskSumsOf = ({ disks }: BackupSums, { backup }: StoredBackup, disk: string): DiskSums => {
  const found = disks.get(disk);
  if (!found) throw new Error(`backup ${backup.id} has no sums of disk ${disk}`);
  return found;
};

const damaged = ({ backup }: StoredBackup, what: string): DamagedError =>
  new DamagedError(`backup ${backup.id} is damaged: ${what}`);

/** Reads what a backup says about itself, and about the guest. */
export const readContent = async (
  repository: Repository,
  { backup, snapshot }: StoredBackup,
  signal: AbortSignal,
): Promise<BackupContent> =>
  parseContent(await repository.read(snapshot, join(backup.guest, RECORD), signal));

export const readSums = async (
  repository: Repository,
  stored: StoredBackup,
  signal: AbortSignal,
): Promise<BackupSums> => {
  const { backup, snapshot } = stored;
  const disks = new Map(backup.disks.map(({ disk }) => [disk, new DiskSums()]));
  const files = new Map<string, Buffer>();
  const hasNone =
    backup.disks.length === 0 && (await readContent(repository, stored, signal)).files.length === 0;
  if (hasNone) return { disks, files };
  await repository.dump(snapshot, join(backup.guest, SUMS), signal, ({ path, content }) => {
    const [disk = ''] = path.split('/').slice(-2);
    if (path.endsWith(FILE_SUMS))
      for (const [name, sum] of parseSums(content.toString())) files.set(name.slice(FILES.length + 1), sum);
    else disks.get(disk)?.add(content.toString());
  });
  return { disks, files };
};

/**
 * Reads the chunks of a disk that are not zeros, in order, and compares each with its sum.
 * @throws {DamagedError} when one differs, is missing, or should not be there
 */
export const readDisk = async (
  repository: Repository,
  stored: StoredBackup,
  disk: string,
  sums: DiskSums,
  signal: AbortSignal,
  take: (index: number, content: Buffer) => Promise<void> | void,
): Promise<void> => {
  const { backup, snapshot } = stored;
  const expected = sums.indexes();
  const folder = join(backup.guest, DISKS, disk);
  await repository.dump(snapshot, folder, signal, async ({ path, content }) => {
    const index = Number(path.split('/').at(-1));
    const next = expected.next().value;
    if (next !== index)
      throw damaged(stored, `disk ${disk}: chunk ${next ?? 'none'} was due, and chunk ${index} is there`);
    if (!sums.get(index)?.equals(sumOf(content)))
      throw damaged(stored, `disk ${disk}: chunk ${index} is not what was backed up`);
    await take(index, content);
  });
  const { value: missing } = expected.next();
  if (missing !== undefined) throw damaged(stored, `disk ${disk}: chunk ${missing} is missing`);
};

/** Reads the small files, and compares each with its sum. @throws {DamagedError} */
export const readFiles = async (
  repository: Repository,
  stored: StoredBackup,
  sums: BackupSums['files'],
  signal: AbortSignal,
  take: (name: string, content: Buffer) => Promise<void> | void,
): Promise<void> => {
  if (sums.size === 0) return;
  const { backup, snapshot } = stored;
  const folder = join(backup.guest, FILES);
  const missing = new Set(sums.keys());
  await repository.dump(snapshot, folder, signal, async ({ path, content }) => {
    const name = path.slice(folder.length + 1);
    if (!sums.get(name)?.equals(sumOf(content)))
      throw damaged(stored, `the file ${name} is not what was backed up`);
    missing.delete(name);
    await take(name, content);
  });
  if (missing.size > 0) throw damaged(stored, `these files are missing: ${[...missing].join(', ')}`);
};
