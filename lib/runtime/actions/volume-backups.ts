import { AgentError } from '../../errors.js';
import type { ActionOfTask } from '../../model/actions.js';
import { AGENT_RUNNER } from '../../model/job.js';
import type { Volume } from '../../model/volume.js';
import type { PendingVolumeBackup, VolumeBackup, VolumeRestore } from '../../model/volume-backup.js';
import {
  type VolumeBackupsRequest,
  type VolumeBackupsResponse,
  volumeBackupsResponseSchema,
} from '../../rpc/protocol/volume-backup-messages.js';
import type { Task } from '../../store/logged-job.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import { requireShape } from '../pipeline/pipeline.js';
import type { ActionResult, Runtime } from '../runtime.js';
import { withChecks } from './dry-run.js';
import { requireUnused } from './submit-backup.js';
import { findVolume } from './volume-actions.js';

export type VolumeBackupTask = Extract<Task, { kind: 'volumeBackup' }>;

/** Lists the backups of a volume, or of all volumes, newest first. */
export const queryVolumeBackups = async (
  runtime: Runtime,
  request: VolumeBackupsRequest,
  signal?: AbortSignal,
): Promise<ActionResult<VolumeBackup[]>> => {
  const { pipelineId, result } = await runtime.query<VolumeBackupsRequest, VolumeBackupsResponse>(
    AGENT_RUNNER,
    runtime.action('listVolumeBackups'),
    { request: () => request, onResponse: requireShape(volumeBackupsResponseSchema) },
    signal,
  );
  const backups = (result?.backups ?? []).toSorted((a, b) => Date.parse(b.created) - Date.parse(a.created));
  return { pipelineId, result: backups };
};

/** @throws {AgentError} `not_found` */
const requireBackup = async (runtime: Runtime, id: string): Promise<VolumeBackup> => {
  const { result } = await queryVolumeBackups(runtime, {});
  const found = result.find((backup) => backup.id === id);
  if (!found) throw new AgentError('not_found', `backup ${id} of a volume: not found`);
  return found;
};

const submit = async <Result>(
  runtime: Runtime,
  task: VolumeBackupTask,
  pending: Result,
  options?: SubmitOptions,
): Promise<Submission<Result>> => {
  const action = runtime.action(task.name);
  const submission = await runtime.queue.submit<Result>(AGENT_RUNNER, action, task, pending, options);
  const { backup, volume } = task;
  return withChecks(submission, action, () => ({ request: () => ({ backup, name: volume }) }));
};

/**
 * Queues the backup of a volume.
 * @throws {AgentError} `not_found`
 */
export const submitVolumeBackup = async (
  runtime: Runtime,
  name: string,
  options?: SubmitOptions,
): Promise<Submission<PendingVolumeBackup>> => {
  await findVolume(runtime, name);
  const pending = { id: crypto.randomUUID(), volume: name };
  const task = {
    kind: 'volumeBackup',
    name: 'createVolumeBackup',
    backup: pending.id,
    volume: name,
  } as const;
  return submit(runtime, task, pending, options);
};

/**
 * Queues the restore of a backup as a new volume.
 * @throws {AgentError} `not_found` without the backup; `conflict` when there is a volume of that name
 */
export const submitVolumeRestore = async (
  runtime: Runtime,
  id: string,
  { volume }: VolumeRestore,
  options?: SubmitOptions,
): Promise<Submission<Volume[]>> => {
  const backup = await requireBackup(runtime, id);
  const name = volume ?? backup.volume;
  const existing = await findVolume(runtime, name).catch((error: unknown) => {
    if (error instanceof AgentError && error.kind === 'not_found') return undefined;
    throw error;
  });
  if (existing)
    throw new AgentError(
      'conflict',
      `volume ${name} exists already: restore the backup under another name, or delete the volume first`,
    );
  const { labels } = backup;
  const task: VolumeBackupTask = {
    ...{ kind: 'volumeBackup', name: 'restoreVolumeBackup', backup: id, volume: name },
    ...(labels ? { labels } : {}),
  };
  return submit<Volume[]>(runtime, task, [], options);
};

/**
 * Queues an action on a backup that exists.
 * @throws {AgentError} `not_found`; `conflict` for the deletion of a backup that another job works with
 */
export const submitVolumeBackupAction = async (
  runtime: Runtime,
  name: Exclude<ActionOfTask<'volumeBackup'>, 'createVolumeBackup' | 'restoreVolumeBackup'>,
  id: string,
  options?: SubmitOptions,
): Promise<Submission<PendingVolumeBackup>> => {
  const backup = await requireBackup(runtime, id);
  if (name === 'deleteVolumeBackup') requireUnused(runtime, id);
  const task = { kind: 'volumeBackup', name, backup: id, volume: backup.volume } as const;
  return submit<PendingVolumeBackup>(runtime, task, backup, options);
};
