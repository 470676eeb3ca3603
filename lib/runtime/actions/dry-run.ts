import type { Submission } from '../jobs/submission.js';
import type { Action } from '../pipeline/action.js';
import { checkPipeline } from '../pipeline/check.js';
import type { Exchange } from '../pipeline/pipeline.js';

/**
 * Completes the dry run of an action: its sub-agents check what they can. Returns a real submission as it is.
 * @throws {AgentError} when the action would fail
 */
export const withChecks = async <Result, Request, Response>(
  submission: Submission<Result>,
  action: Action,
  makeExchange: () => Exchange<Request, Response>,
): Promise<Submission<Result>> =>
  submission.job ? submission : { ...submission, unchecked: await checkPipeline(action, makeExchange()) };
