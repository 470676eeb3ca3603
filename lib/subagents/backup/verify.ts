import { MB } from '../../model/units.js';
import type { BackupRequest, BackupResponse } from '../../rpc/protocol/backup-messages.js';
import type { CallContext } from '../../rpc/server/call-context.js';
import type { StoredBackup } from './catalog.js';
import { clearDamage, recordDamage } from './damage.js';
import type { BackupDeps } from './deps.js';
import { oncePerSecond } from './progress.js';
import { readContent, readDisk, readFiles, readSums } from './read-backup.js';

/** Reads all of a backup, and compares it with what was backed up. */
export const readAll = async (
  { repository }: Pick<BackupDeps, 'repository'>,
  stored: StoredBackup,
  { signal, progress }: Pick<CallContext, 'signal' | 'progress'>,
): Promise<void> => {
  let read = 0;
  const report = oncePerSecond(() => progress(`${Math.floor(read / MB)} MB verified`));
  const onRead = (bytes: number): void => {
    read += bytes;
    report();
  };
  await readContent(repository, stored, signal);
  const sums = await readSums(repository, stored, signal);
  for (const [disk, ofDisk] of sums.disks)
    await readDisk(repository, stored, disk, ofDisk, signal, (_, content) => onRead(content.length));
  await readFiles(repository, stored, sums.files, signal, (_, content) => onRead(content.length));
};

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
    const { problem, ...backup } = stored.backup;
    const { problem: _, ...record } = await records.read(id);
    try {
      await readAll(deps, stored, call);
    } catch (error) {
      await recordDamage(deps, id, error);
      throw error;
    }
    const verified = { at: new Date().toISOString(), ok: true };
    await records.write(id, { ...record, verified });
    // Only a repair makes a damaged backup whole again.
    if (problem !== undefined) await clearDamage(deps, call.signal);
    return { backup: { ...backup, verified } };
  };
