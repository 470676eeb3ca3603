import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { VolumeBackup } from '../../../model/volume-backup.js';
import type {
  StoreVolumeRequest,
  VolumeBackupResponse,
} from '../../../rpc/protocol/volume-backup-messages.js';
import type { CallContext } from '../../../rpc/server/call-context.js';
import { withRepairAdvice } from '../damage.js';
import type { BackupDeps } from '../deps.js';
import type { BackupRecord } from '../records.js';
import { findVolumeBackup } from './catalog.js';
import { readArchive } from './read.js';
import { ARCHIVE, type NewVolumeBackup, volumeTagsOf } from './tags.js';

/** Makes the snapshot, and reads it back while the repository is known to be damaged. */
const store = async (
  { repository, damage }: BackupDeps,
  backup: NewVolumeBackup,
  bytes: Readable,
  { run, signal }: { run: string; signal: AbortSignal },
): Promise<BackupRecord> => {
  const { host, created: moment } = backup;
  const tags = volumeTagsOf(backup, run);
  const summary = await repository.backupFile({ file: ARCHIVE, host, tags, moment }, bytes, signal);
  const known = {
    stored: summary.data_added_packed ?? summary.data_added,
    size: summary.total_bytes_processed,
  };
  if (!(await damage.isKnown())) return known;
  await readArchive({ repository }, { backup, snapshot: summary.snapshot_id }, signal);
  return { ...known, verified: { at: new Date().toISOString(), ok: true } };
};

/**
 * `Backup.StoreVolume`: stores the files of a volume, which arrive as a tar archive. Whatever interrupts it, its snapshot is
 * no backup until the run has succeeded.
 */
export const storeVolume =
  (deps: BackupDeps) =>
  async (
    { backup: id, ...rest }: StoreVolumeRequest,
    bytes: Readable,
    { signal }: Pick<CallContext, 'signal'>,
  ): Promise<VolumeBackupResponse> => {
    const { repository, runs, records, sweeper, host } = deps;
    await repository.ensure(signal);
    const existing = await findVolumeBackup(deps, id, signal);
    if (existing) return { backup: existing.backup };
    const { volume, created, consistency, labels } = rest;
    const backup: NewVolumeBackup = {
      ...{ id, volume, host, created, consistency },
      ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    };
    const run = randomUUID();
    await runs.begin(run);
    try {
      const record = await store(deps, backup, bytes, { run, signal });
      await records.write(id, record);
      await runs.succeed(run, false);
      const made: VolumeBackup = { ...backup, ...record };
      return { backup: made };
    } catch (error) {
      runs.fail(run);
      sweeper.start(true);
      throw withRepairAdvice(error);
    }
  };
