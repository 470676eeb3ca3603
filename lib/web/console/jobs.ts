import { isFinished } from '../../model/job.js';
import { say } from './dialogs.js';
import { store } from './store.js';

interface Followed {
  title: string;
  onEnd: (() => void) | undefined;
}

/** The jobs that were asked for on this page and have not ended. */
const followed = new Map<string, Followed>();

/**
 * Says when a job that was asked for here fails.
 * @param title what it does, for people
 * @param onEnd is called when it has ended well
 */
export const follow = (jobId: string, title: string, onEnd?: () => void): void => {
  followed.set(jobId, { title, onEnd });
  checkFollowed();
};

/** What a job was asked for with, where that was on this page. */
export const titleOf = (jobId: string): string | undefined => followed.get(jobId)?.title;

const checkFollowed = (): void => {
  for (const [id, { title, onEnd }] of followed) {
    const job = store.jobs.get(id)?.job;
    if (!job || !isFinished(job)) continue;
    followed.delete(id);
    if (job.Status === 'Error') say(`${title}: ${job.Message}`, 'error');
    else onEnd?.();
  }
};

store.onChange((kinds) => {
  if (kinds.has('jobs')) checkFollowed();
});
