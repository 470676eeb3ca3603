import type { Context } from '../lib/agent/context.js';
import type { Event, JobQuery, Reply } from '../lib/model/endpoint.js';
import type { DryRun, Submission, SubmitOptions } from '../lib/runtime/jobs/submission.js';
import type { Unchecked } from '../lib/runtime/pipeline/check.js';
import { JOB_ID_HEADER } from '../lib/server/job-id-header.js';
import { actionResult, ok } from './replies.js';

/** Waits for a result, at most that many seconds; `undefined` when it has not arrived by then. */
const within = <T>(seconds: number, done: Promise<T>): Promise<{ result: T } | undefined> =>
  new Promise((resolve, reject) => {
    const timer = seconds > 0 ? setTimeout(() => resolve(undefined), seconds * 1000) : undefined;
    if (!timer) resolve(undefined);
    // After the timeout this also handles a rejection: the job log has the outcome.
    void done.then((result) => resolve({ result }), reject).finally(() => clearTimeout(timer));
  });

/** Lists the stages that a dry run could not check completely: `qemu Libvirt.Run`. */
const UNCHECKED_HEADER = 'X-Unchecked-Stages';

/** Replaces what a list in a header may not contain. */
const headerText = (text: string): string => text.replace(/[^ -~]/g, '?').replaceAll(',', ';');

const describeUnchecked = ({ stage: { service, method }, reason }: Unchecked): string =>
  headerText(`${service.name} ${method}${reason === '' ? '' : `: ${reason}`}`);

/** Replies to a dry run, which promises nothing about what no sub-agent could check. */
const rehearsal = <Result>({ pending, unchecked = [] }: DryRun<Result>): Reply<Result> => {
  if (unchecked.length === 0) return ok(pending);
  const headers = { [UNCHECKED_HEADER]: unchecked.map(describeUnchecked).join(', ') };
  return { ...ok(pending), headers };
};

/**
 * Submits an async action, as every endpoint does: once per idempotency key, or as a dry run. Replies with 202, or with
 * 200 and the result when the action ends while the client waits.
 * @param submit checks the request and submits its action
 * @throws the action's failure while the client waits
 */
export const submitOnce = async <Result>(
  { query: { wait = 0, dryRun }, idempotency, principal }: Event<unknown, JobQuery>,
  { runtime }: Context,
  submit: (options: SubmitOptions) => Promise<Submission<Result>>,
): Promise<Reply<Result>> => {
  const submission = dryRun
    ? await submit({ dryRun })
    : await runtime.requests.once(idempotency, () => submit({ request: idempotency, by: principal?.name }));
  if (!submission.job) return rehearsal(submission);
  const { job, pending, done } = submission;
  const ended = await within(wait, done);
  if (ended) return actionResult({ pipelineId: job.ID, result: ended.result });
  return { status: 202, headers: { [JOB_ID_HEADER]: job.ID }, body: pending };
};
