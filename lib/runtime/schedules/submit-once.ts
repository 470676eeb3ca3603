import type { Submission, SubmitOptions } from '../jobs/submission.js';
import type { WorkContext } from './scheduled-work.js';

/**
 * Submits a job of a run once, also when an earlier process of the agent has submitted it, and follows it to its end.
 * @param what distinguishes the job from the others of the run
 * @throws the job's error
 */
export const submitOnce = async <T>(
  { runtime, requestOf, onJob }: Pick<WorkContext, 'runtime' | 'requestOf' | 'onJob'>,
  what: string,
  submit: (options: SubmitOptions) => Promise<Submission<T>>,
): Promise<T> => {
  const request = requestOf(what);
  const submission = await runtime.requests.once(request, () => submit({ request, cause: 'schedule' }));
  if (!submission.job) return submission.pending;
  await onJob(submission.job.ID);
  return submission.done;
};

/** Whether the job log no longer knows a job that an earlier process of the agent may have submitted. */
export const mayBeForgotten = (
  { runtime, requestOf, isResumed }: Pick<WorkContext, 'runtime' | 'requestOf' | 'isResumed'>,
  what: string,
): boolean => isResumed && !runtime.jobs.findByKey(requestOf(what).key);
