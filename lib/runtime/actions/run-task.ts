import type { Task } from '../../store/logged-job.js';
import type { TaskRun } from '../jobs/job-executor.js';
import type { Runtime } from '../runtime.js';
import { runGuestTask } from './guest-actions.js';
import { runImageTask } from './image-actions.js';
import { runSnapshotTask } from './snapshot-actions.js';

/** Does what a job is for. */
export const runTask = (runtime: Runtime, task: Task, run: TaskRun): Promise<unknown> => {
  switch (task.kind) {
    case 'guest':
      return runGuestTask(runtime, task, run);
    case 'image':
      return runImageTask(task, run);
    case 'snapshot':
      return runSnapshotTask(task, run);
  }
};
