import { errorMessage } from '../../errors.js';
import { MB } from '../../model/units.js';
import type { BackupRequest, BackupResponse } from '../../rpc/protocol/backup-messages.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import type { StoredBackup } from './catalog.js';
import type { BackupDeps } from './deps.js';
import { DamagedError, readContent, readDisk, readFiles, readSums } from './read-backup.js';
import { kindOfResticError } from './restic/failure.js';

const PROGRESS_MS = 1000;

/** Reads all of a backup, and compares it with what was backed up. */
const readAll = async (
  { repository }: BackupDeps,
  stored: StoredBackup,
  { signal, progress }: Pick<CallContext, 'signal' | 'progress'>,
): Promise<void> => {
  let read = 0;
  let nextReport = 0;
  const onRead = (bytes: number): void => {
    read += bytes;
    if (Date.now() < nextReport) return;
    nextReport = Date.now() + PROGRESS_MS;
    progress(`${Math.floor(read / MB)} MB verified`);
  };
  await readContent(repository, stored, signal);
  const sums = await readSums(repository, stored, signal);
  for (const [disk, ofDisk] of sums.disks)
    await readDisk(repository, stored, disk, ofDisk, signal, (_, content) => onRead(content.length));
  await readFiles(repository, stored, sums.files, signal, (_, content) => onRead(content.length));
};

/** Whether a failure says that the backup is damaged, and not only that it could not be read now. */
const isDamage = (error: unknown): boolean =>
  error instanceof DamagedError || kindOfResticError(error) === 'damaged';

/** `Backup.Verify`. A damaged backup fails it, and is marked in the list. */
export const verifyBackup =
  (deps: BackupDeps) =>
  async (
    { backup: id }: BackupRequest,
    call: Pick<CallContext, 'signal' | 'progress'>,
  ): Promise<BackupResponse> => {
    const { repository, catalog, records } = deps;
    await repository.ensure(call.signal);
    const stored = await catalog.get(id, call.signal);
    const { problem: _, ...record } = await records.read(id);
    const at = (): string => new Date().toISOString();
    try {
      await readAll(deps, stored, call);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const problem = errorMessage(error);
      await records.write(id, { ...record, verified: { at: at(), ok: false }, problem });
      throw error;
    }
    await records.write(id, { ...record, verified: { at: at(), ok: true } });
    return { backup: (await catalog.get(id, call.signal)).backup };
  };
