import { MB } from '../../../model/units.js';
import { type BackupRequest, backupRequestSchema } from '../../../rpc/protocol/backup-messages.js';
import {
  storeVolumeRequestSchema,
  type VolumeBackupResponse,
  type VolumeBackupsRequest,
  type VolumeBackupsResponse,
  volumeBackupsRequestSchema,
} from '../../../rpc/protocol/volume-backup-messages.js';
import { type CallContext, isRepeated } from '../../../rpc/server/call-context.js';
import type { SubAgent } from '../../../rpc/server/sub-agent.js';
import { notFound } from '../../shared/errors.js';
import { clearDamage, recordDamage } from '../damage.js';
import type { BackupDeps } from '../deps.js';
import { oncePerSecond } from '../progress.js';
import { findVolumeBackup, getVolumeBackup, listVolumeBackups } from './catalog.js';
import { storeVolume } from './create.js';
import { openArchive, readArchive } from './read.js';

/** `Backup.ListVolumes`, of one volume or of all. */
const list =
  (deps: BackupDeps) =>
  async (
    { volume }: VolumeBackupsRequest,
    { signal }: Pick<CallContext, 'signal'>,
  ): Promise<VolumeBackupsResponse> => {
    const { repository } = deps;
    if (!(await repository.mayHaveBackups())) return { backups: [] };
    if (!(await repository.isInUse())) await repository.ensure(signal);
    return { backups: (await listVolumeBackups(deps, volume, signal)).map(({ backup }) => backup) };
  };

/** `Backup.DeleteVolume`. The room is free once the repository has been pruned. */
const remove =
  (deps: BackupDeps) =>
  async (
    { backup: id }: BackupRequest,
    { signal, job }: Pick<CallContext, 'signal' | 'job'>,
  ): Promise<Partial<VolumeBackupResponse>> => {
    const { repository, records } = deps;
    await repository.ensure(signal);
    const stored = await findVolumeBackup(deps, id, signal);
    if (!stored) {
      if (isRepeated({ job })) return {};
      throw notFound(`backup ${id} of a volume`);
    }
    await repository.forget([stored.snapshot], signal);
    if (await findVolumeBackup(deps, id, signal)) throw new Error(`restic did not remove backup ${id}`);
    await records.remove(id);
    return { backup: stored.backup };
  };

/** `Backup.VerifyVolume`. A damaged backup fails it, and is marked in the list. */
const verify =
  (deps: BackupDeps) =>
  async (
    { backup: id }: BackupRequest,
    { signal, progress }: Pick<CallContext, 'signal' | 'progress'>,
  ): Promise<VolumeBackupResponse> => {
    const { repository, records } = deps;
    await repository.ensure(signal);
    const stored = await getVolumeBackup(deps, id, signal);
    let read = 0;
    const report = oncePerSecond(() => progress(`${Math.floor(read / MB)} MB verified`));
    try {
      await readArchive(deps, stored, signal, (bytes) => {
        read += bytes;
        report();
      });
    } catch (error) {
      await recordDamage(deps, id, error);
      throw error;
    }
    const { problem, ...backup } = stored.backup;
    const { problem: _, ...record } = await records.read(id);
    const verified = { at: new Date().toISOString(), ok: true };
    await records.write(id, { ...record, verified });
    // Only a repair makes a damaged backup whole again.
    if (problem !== undefined) await clearDamage(deps, signal);
    return { backup: { ...backup, verified } };
  };

/** Registers the methods of `Backup` for volumes of containers. */
export const addVolumeMethods = (subAgent: SubAgent, deps: BackupDeps): void => {
  subAgent
    .method('Backup.ListVolumes', volumeBackupsRequestSchema, list(deps))
    .method('Backup.DeleteVolume', backupRequestSchema, remove(deps))
    .method('Backup.VerifyVolume', backupRequestSchema, verify(deps))
    .upload('/volumes/upload', storeVolumeRequestSchema, storeVolume(deps))
    .stream('/volumes/download', backupRequestSchema, async ({ backup: id }, { signal, log }) => {
      await deps.repository.ensure(signal);
      return { bytes: await openArchive(deps, await getVolumeBackup(deps, id, signal), log) };
    });
};
