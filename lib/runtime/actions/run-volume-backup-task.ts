import { whenFree } from '../../async/when-free.js';
import { AgentError } from '../../errors.js';
import { MB } from '../../model/units.js';
import type { Volume } from '../../model/volume.js';
import type { VolumeBackup } from '../../model/volume-backup.js';
import { volumeBackupResponseSchema } from '../../rpc/protocol/volume-backup-messages.js';
import { volumeResponseSchema } from '../../rpc/protocol/volume-messages.js';
import type { JobContext } from '../jobs/job-executor.js';
import { runPipeline } from '../pipeline/pipeline.js';
import { runTransfer } from '../pipeline/transfer.js';
import type { Runtime } from '../runtime.js';
import { requireIntact } from './run-backup-task.js';
import { findVolume } from './volume-actions.js';
import type { VolumeBackupTask } from './volume-backups.js';

const REPORT_MS = 1000;

/** Returns a function that counts bytes, and reports them as the progress of a job about once a second. */
const progressOf = ({ jobs, log }: Runtime, job: string, verb: string): ((count: number) => void) => {
  let bytes = 0;
  let reportedAt = performance.now();
  return (count) => {
    bytes += count;
    if (performance.now() - reportedAt < REPORT_MS) return;
    reportedAt = performance.now();
    jobs
      .setProgress(job, `${Math.floor(bytes / MB)} MB ${verb}`)
      .catch((error: unknown) => log.warn({ err: error, job }, 'progress not written'));
  };
};

const create = async (
  runtime: Runtime,
  { backup, volume: name }: VolumeBackupTask,
  { job, action, run, signal }: JobContext,
): Promise<VolumeBackup> => {
  const { running, labels } = await findVolume(runtime, name, signal);
  const consistency = running ? 'changing' : 'still';
  const created = new Date().toISOString();
  const send = { backup, volume: name, created, consistency, ...(labels ? { labels } : {}) };
  const beforeEnd = async (): Promise<void> => {
    if (!running && (await findVolume(runtime, name, signal)).running)
      throw new AgentError(
        'conflict',
        `a container that uses volume ${name} was started while its files were read: back it up again`,
      );
  };
  const onBytes = progressOf(runtime, job.ID, 'read');
  const schema = volumeBackupResponseSchema;
  const options = { schema, signal, onBytes, beforeEnd };
  const { backup: made } = await runTransfer(action, { open: { name }, send }, options);
  if (made.consistency === 'changing')
    run.report('a container that uses the volume ran meanwhile, so its files may be of different moments');
  return made;
};

const restore = async (
  runtime: Runtime,
  { backup, volume: name, labels }: VolumeBackupTask,
  { job, action, signal }: JobContext,
): Promise<Volume[]> => {
  const send = { name, ...(labels ? { labels } : {}) };
  const onBytes = progressOf(runtime, job.ID, 'restored');
  const options = { schema: volumeResponseSchema, signal, onBytes };
  return (await runTransfer(action, { open: { backup }, send }, options)).volumes;
};

/** @returns the backup or the volume, where there is one afterwards */
export const runVolumeBackupTask = async (
  runtime: Runtime,
  task: VolumeBackupTask,
  context: JobContext,
): Promise<unknown> => {
  const { action, run, signal } = context;
  if (task.name === 'createVolumeBackup')
    return whenFree(runtime.backups, signal, () => create(runtime, task, context));
  if (task.name === 'restoreVolumeBackup') return restore(runtime, task, context);
  const { backup } = task;
  const response = await runPipeline<object, { backup?: VolumeBackup }>(
    action,
    { request: () => ({ backup }) },
    { run, signal },
  );
  if (task.name === 'verifyVolumeBackup') requireIntact(backup, response?.backup);
  return response?.backup ?? {};
};
