import type { TaskKind } from '../../model/actions.js';
import type { Task } from '../../store/logged-job.js';
import type { JobContext } from '../jobs/job-executor.js';
import type { Runtime } from '../runtime.js';
import { runGuestTask } from './guest-actions.js';
import { runImageTask } from './image-actions.js';
import { runBackupTask } from './run-backup-task.js';
import { runRestoreTask } from './run-restore-task.js';
import { runVolumeBackupTask } from './run-volume-backup-task.js';
import { runSnapshotTask } from './snapshot-actions.js';
import { runVolumeTask } from './volume-actions.js';

type Executors = {
  [Kind in TaskKind]: (
    runtime: Runtime,
    task: Extract<Task, { kind: Kind }>,
    context: JobContext,
  ) => Promise<unknown>;
};

/** The function for each kind of task in the table of actions. */
const EXECUTORS: Executors = {
  guest: runGuestTask,
  image: (_runtime, task, context) => runImageTask(task, context),
  volume: runVolumeTask,
  snapshot: runSnapshotTask,
  backup: runBackupTask,
  restore: runRestoreTask,
  volumeBackup: runVolumeBackupTask,
};

/** Runs a job's task; resolves with the job's result. */
export const runTask = <Kind extends TaskKind>(
  runtime: Runtime,
  task: Extract<Task, { kind: Kind }>,
  context: JobContext,
): Promise<unknown> => EXECUTORS[task.kind](runtime, task, context);
