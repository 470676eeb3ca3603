import { whenFree } from '../../async/when-free.js';
import { badResponse } from '../../errors.js';
import type { Backup } from '../../model/backup.js';
import type { BackupRequest, BackupResponse, PruneResponse } from '../../rpc/protocol/backup-messages.js';
import type { Task } from '../../store/logged-job.js';
import type { JobContext } from '../jobs/job-executor.js';
import { runPipeline } from '../pipeline/pipeline.js';
import type { Runtime } from '../runtime.js';
import { backupExchange } from './backup-exchange.js';
import { queryBackup } from './backup-queries.js';

type BackupTask = Extract<Task, { kind: 'backup' }>;

/** Backs a guest up, once fewer than the most backups run. A run that a restart has interrupted does not wait again. */
const runCreation = async (
  runtime: Runtime,
  id: string,
  { job, action, run, signal }: JobContext,
): Promise<Backup> => {
  const exchange = backupExchange(runtime, action, job.GuestID, { backup: id });
  const runStages = () => runPipeline(action, exchange, { run, signal });
  const hasBegun = run.fromStage > 0 || run.repeated;
  await (hasBegun ? runStages() : whenFree(runtime.backups, signal, runStages));
  // A run that resumed after the backup was made has not seen it.
  return exchange.backup() ?? (await queryBackup(runtime, id)).result.backup;
};

/** Runs an action on one backup in the repository, or on the repository itself. */
const runOnRepository = async (
  request: BackupRequest | Record<never, never>,
  { action, run, signal }: JobContext,
): Promise<Partial<BackupResponse> & PruneResponse> =>
  (await runPipeline<object, Partial<BackupResponse> & PruneResponse>(
    action,
    { request: ({ args }) => ({ ...request, ...(args ? { args } : {}) }) },
    { run, signal },
  )) ?? {};

/** @throws {AgentError} `bad_answer` when what was read is not what was written */
export const requireIntact = (id: string, backup: Pick<Backup, 'verified' | 'problem'> | undefined): void => {
  if (backup?.verified?.ok !== false) return;
  throw badResponse(
    'backup',
    `backup ${id} is damaged: ${backup.problem ?? 'what was read is not what was written'}`,
  );
};

/** @returns the backup, where there is one afterwards */
export const runBackupTask = async (
  runtime: Runtime,
  { name, backup }: BackupTask,
  context: JobContext,
): Promise<Backup | Record<never, never>> => {
  if (backup === undefined) {
    await runOnRepository({}, context);
    return {};
  }
  if (name === 'createBackup') return runCreation(runtime, backup, context);
  const response = await runOnRepository({ backup }, context);
  if (name === 'verifyBackup') requireIntact(backup, response.backup);
  return response.backup ?? {};
};
