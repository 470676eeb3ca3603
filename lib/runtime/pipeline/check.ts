import { CallRejected } from '../../rpc/client/refused.js';
import type { Action, Stage } from './action.js';
import { callNow, type Exchange } from './pipeline.js';

/** The most seconds that a client waits for the check of one stage. */
const MAX_CHECK_SECONDS = 10;

/**
 * Calls the method that checks a stage.
 * @returns whether the sub-agent could check it
 */
const checkStage = async <Request, Response>(
  stage: Stage,
  exchange: Exchange<Request, Response>,
): Promise<boolean> => {
  if (stage.check === undefined) return false;
  const check = { ...stage, method: stage.check, timeout: Math.min(stage.timeout, MAX_CHECK_SECONDS) };
  const request = exchange.request(check);
  const call = { isDownload: false, signal: undefined, jobStage: undefined, onStart: () => {} };
  let response: Response;
  try {
    response = (await callNow(check, request, call)) as Response;
  } catch (error) {
    // A sub-agent without the method, such as one of the original agent.
    if (error instanceof CallRejected) return false;
    throw error;
  }
  await exchange.onResponse?.(check, response, request);
  return true;
};

/**
 * Asks the sub-agents to check an action's stages, in order, for a dry run.
 * @param exchange its `onResponse` gets the responses of the checks; it must not store them
 * @returns the stages that could not be checked
 * @throws {AgentError} the error of the first stage that would fail
 */
export const checkPipeline = async <Request, Response>(
  { stages }: Action,
  exchange: Exchange<Request, Response>,
): Promise<Stage[]> => {
  const unchecked: Stage[] = [];
  for (const stage of stages) if (!(await checkStage(stage, exchange))) unchecked.push(stage);
  return unchecked;
};
