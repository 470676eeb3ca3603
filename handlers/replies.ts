import { setTimeout as delay } from 'node:timers/promises';
import type { Answered, Submitted } from '../lib/runtime/runtime.js';
import type { Reply } from './types.js';

/** Names the pipeline of an action, which for an async one is its job. */
export const JOB_ID_HEADER = 'X-Guest-Job-ID';

export const ok = <Body>(body: Body): Reply<Body> => ({ status: 200, body });

/** An info action's answer. */
export const answered = <Body>({ pipelineId, answer }: Answered<Body>): Reply<Body> => ({
  status: 200,
  headers: { [JOB_ID_HEADER]: pipelineId },
  body: answer,
});

/** An async action that was accepted. */
export const accepted = <Body>({ job }: Submitted<unknown>, body: Body): Reply<Body> => ({
  status: 202,
  headers: { [JOB_ID_HEADER]: job.ID },
  body,
});

/**
 * An async action that was accepted, or, when it ends while the client waits for it, what came of it.
 * @param pending the body of the former
 * @param wait seconds
 * @throws what the action failed with while the client waited
 */
export const acceptedOrDone = async <Body>(
  submitted: Submitted<Body>,
  pending: Body,
  wait = 0,
): Promise<Reply<Body>> => {
  // Nobody may wait for it, or nobody any more: its end is in the job log all the same.
  submitted.done.catch(() => {});
  if (wait === 0) return accepted(submitted, pending);
  const ended = new AbortController();
  const tooLong = delay(wait * 1000, undefined, { signal: ended.signal }).catch(() => undefined);
  try {
    const done = await Promise.race([submitted.done.then((answer) => ({ answer })), tooLong]);
    if (!done) return accepted(submitted, pending);
    return answered({ pipelineId: submitted.job.ID, answer: done.answer });
  } finally {
    ended.abort();
  }
};
