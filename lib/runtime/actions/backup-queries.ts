import { backupNotFound } from '../../errors.js';
import type { Backup } from '../../model/backup.js';
import { AGENT_RUNNER } from '../../model/job.js';
import {
  type BackupDetailsResponse,
  type BackupDiskRequest,
  type BackupRequest,
  type BackupsRequest,
  type BackupsResponse,
  backupDetailsResponseSchema,
  backupsResponseSchema,
} from '../../rpc/protocol/backup-messages.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import { requireShape } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';

const byAge = (one: Backup, other: Backup): number => Date.parse(other.created) - Date.parse(one.created);

/** Lists the backups of a guest, or all of the repository, newest first. */
export const queryBackups = async (
  runtime: Runtime,
  request: BackupsRequest,
  signal?: AbortSignal,
): Promise<ActionResult<Backup[]>> => {
  const { pipelineId, result } = await runtime.query<BackupsRequest, BackupsResponse>(
    AGENT_RUNNER,
    runtime.action('listBackups'),
    { request: () => request, onResponse: requireShape(backupsResponseSchema) },
    signal,
  );
  return { pipelineId, result: (result?.backups ?? []).toSorted(byAge) };
};

/**
 * Returns a backup with the guest's record in it.
 * @throws {AgentError} `not_found`
 */
export const queryBackup = async (
  runtime: Runtime,
  id: string,
  signal?: AbortSignal,
): Promise<ActionResult<BackupDetailsResponse>> => {
  const { pipelineId, result } = await runtime.query<BackupRequest, BackupDetailsResponse>(
    AGENT_RUNNER,
    runtime.action('getBackup'),
    { request: () => ({ backup: id }), onResponse: requireShape(backupDetailsResponseSchema) },
    signal,
  );
  if (!result) throw backupNotFound(id);
  return { pipelineId, result };
};

/** Opens the bytes of a disk of a backup. */
export const openBackupDisk = (
  runtime: Runtime,
  request: BackupDiskRequest,
  signal: AbortSignal,
): Promise<ActionResult<ByteStream>> =>
  runtime.stream(AGENT_RUNNER, runtime.action('downloadBackupDisk'), request, signal);
