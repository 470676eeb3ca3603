import { isFinished } from '../../model/job.js';
import { say } from './dialogs.js';
import { store } from './store.js';

interface Followed {
  /** What it does, for people. */
  title: string;
  /** What is said when it has done it. */
  done: string;
}

/** The jobs that were asked for on this page and have not ended. */
const followed = new Map<string, Followed>();

/** Says how a job that was asked for here has ended. */
export const follow = (jobId: string, job: Followed): void => {
  followed.set(jobId, job);
  checkFollowed();
};

/** What a job was asked for with, where that was on this page. */
export const titleOf = (jobId: string): string | undefined => followed.get(jobId)?.title;

const checkFollowed = (): void => {
  for (const [id, { title, done }] of followed) {
    const job = store.jobs.get(id)?.job;
    if (!job || !isFinished(job)) continue;
    followed.delete(id);
    if (job.Status === 'Error') say(`${title}: ${job.Message}`, 'error');
    else say(done);
  }
};

store.onChange((kinds) => {
  if (kinds.has('jobs')) checkFollowed();
});
