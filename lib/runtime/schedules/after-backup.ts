import { waitFor } from '../../async/deadline.js';
import { AgentError } from '../../errors.js';
import { isFinished, type Job } from '../../model/job.js';
import type { Submission, SubmitOptions } from '../jobs/submission.js';
import type { WorkContext } from './scheduled-work.js';
import { submitOnce } from './submit-once.js';

const MAX_WAIT_H = 24;
const MS_PER_H = 3_600_000;

/** Waits until no backup of the guest is queued or running. @throws {AgentError} `conflict` after a day */
const backupEnded = async ({ runtime, guest: { id }, signal, onWait }: WorkContext): Promise<void> => {
  const expired = (): Error =>
    new AgentError(
      'conflict',
      `guest ${id} has been backed up for more than ${MAX_WAIT_H} hours: cancel the job of its backup, or let it end`,
    );
  for (;;) {
    const ended = runtime.queue.backupEnd(id);
    if (ended === undefined) return;
    onWait();
    await waitFor(ended, signal, { ms: MAX_WAIT_H * MS_PER_H, expired });
  }
};

/** Whether a backup of the guest may have been open while a job ran. */
const overlapsBackup = ({ runtime, guest }: WorkContext, job: Job): boolean =>
  runtime.jobs
    .list({ guestId: guest.id })
    .some(
      (other) =>
        other.Action === 'createBackup' &&
        other.QueuedAt <= job.UpdatedAt &&
        (!isFinished(other) || other.UpdatedAt >= job.QueuedAt),
    );

/**
 * Submits a job that is refused while a backup of the guest is open, once none is. It is submitted again when it was
 * refused because a backup began in between; otherwise as `submitOnce` does.
 * @throws the job's error; {AgentError} `conflict` when the backup does not end within a day
 */
export const submitAfterBackup = async <T>(
  context: WorkContext,
  what: string,
  submit: (options: SubmitOptions) => Promise<Submission<T>>,
): Promise<T> => {
  const { runtime, requestOf } = context;
  const jobOf = (attempt: string): Job | undefined => runtime.jobs.findByKey(requestOf(attempt).key)?.job;
  for (let count = 1; ; count += 1) {
    const attempt = count === 1 ? what : `${what}, attempt ${count}`;
    if (!jobOf(attempt)) await backupEnded(context);
    try {
      return await submitOnce(context, attempt, submit);
    } catch (error) {
      const job = jobOf(attempt);
      const isRefused = error instanceof AgentError && error.kind === 'conflict';
      if (!isRefused || !job || !overlapsBackup(context, job)) throw error;
    }
  }
};
