import { isFinished } from '../../model/job.js';
import { toast } from './dialogs.js';
import { store } from './store.js';

interface FollowedJob {
  /** What the job does: "Start web-1". */
  title: string;
  /** The toast once it has succeeded: "web-1 started." */
  done: string;
}

/** Jobs submitted on this page that have not ended. */
const followed = new Map<string, FollowedJob>();

/** Shows a toast once the job has ended. */
export const follow = (jobId: string, job: FollowedJob): void => {
  followed.set(jobId, job);
  reportEnded();
};

/** The title of a job that was submitted on this page and has not ended. */
export const titleOf = (jobId: string): string | undefined => followed.get(jobId)?.title;

const reportEnded = (): void => {
  for (const [id, { title, done }] of followed) {
    const job = store.jobs.get(id)?.job;
    if (!job || !isFinished(job)) continue;
    followed.delete(id);
    if (job.Status === 'Error') toast(`${title}: ${job.Message}`, 'error');
    else toast([done, job.Message].filter(Boolean).join(': '));
  }
};

store.onChange((kinds) => {
  if (kinds.has('jobs')) reportEnded();
});
