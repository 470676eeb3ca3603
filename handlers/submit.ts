import type { Context } from '../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../lib/model/endpoint.js';
import type { Submission, SubmitOptions } from '../lib/runtime/jobs/submission.js';
import { JOB_ID_HEADER } from '../lib/server/job-id-header.js';
import { answered, ok } from './replies.js';

/** What came of it within so many seconds; `undefined` when it has not ended by then. */
const within = <T>(seconds: number, done: Promise<T>): Promise<{ answer: T } | undefined> =>
  new Promise((resolve, reject) => {
    const timer = seconds > 0 ? setTimeout(() => resolve(undefined), seconds * 1000) : undefined;
    if (!timer) resolve(undefined);
    // Nobody may wait for it, or nobody any more: its end is in the job log all the same.
    void done.then((answer) => resolve({ answer }), reject).finally(() => clearTimeout(timer));
  });

/**
 * Does what all async endpoints do: submits the action once, however often the client asks with one key, or only
 * rehearses it, and answers 202, or 200 with what came of it when that comes while the client waits.
 * @param submit checks what is asked for, and submits it
 * @param bodyOf what the client gets of an answer
 * @throws what the action failed with while the client waited
 */
export const submitOnce = async <Answer, Body = Answer>(
  { query: { wait = 0, dryRun }, idempotency }: Event<unknown, JobQuery>,
  { runtime }: Context,
  submit: (options: SubmitOptions) => Promise<Submission<Answer>>,
  bodyOf: (answer: Answer) => Body = (answer) => answer as unknown as Body,
): Promise<Reply<Body>> => {
  const submission = dryRun
    ? await submit({ dryRun })
    : await runtime.requests.once(idempotency, () => submit({ request: idempotency }));
  if (!submission.job) return ok(bodyOf(submission.pending));
  const { job, pending, done } = submission;
  const ended = await within(wait, done);
  if (ended) return answered({ pipelineId: job.ID, result: bodyOf(ended.answer) });
  return { status: 202, headers: { [JOB_ID_HEADER]: job.ID }, body: bodyOf(pending) };
};
