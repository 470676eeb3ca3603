import { CallRejected } from '../../rpc/client/refused.js';
import type { Action, Stage } from './action.js';
import { callNow } from './calls.js';
import { type Exchange, messageOf } from './pipeline.js';

/** A stage that could not be checked, or only in part. */
export interface Unchecked {
  stage: Stage;
  /** What a check left open, in words; `""` when the stage has no check. */
  reason: string;
}

/** The most seconds that a client waits for the check of one stage. */
const MAX_CHECK_SECONDS = 10;

const withoutCheck = (stage: Stage): Unchecked[] => [{ stage, reason: '' }];

/**
 * Calls the method that checks a stage.
 * @returns the stage when the sub-agent could not check all of it
 */
const checkStage = async <Request, Response>(
  stage: Stage,
  exchange: Exchange<Request, Response>,
): Promise<Unchecked[]> => {
  if (stage.check === undefined) return stage.always ? [] : withoutCheck(stage);
  const check = { ...stage, method: stage.check, timeout: Math.min(stage.timeout, MAX_CHECK_SECONDS) };
  const request = exchange.request(check);
  const call = { isDownload: false, signal: undefined, jobStage: undefined, onStart: () => {} };
  let response: Response;
  try {
    response = (await callNow(check, request, call)) as Response;
  } catch (error) {
    // A sub-agent without the method, such as one of the original agent.
    if (error instanceof CallRejected) return withoutCheck(stage);
    throw error;
  }
  await exchange.onResponse?.(check, response, request);
  const reason = messageOf(response);
  return reason === '' ? [] : [{ stage, reason }];
};

/**
 * Asks the sub-agents to check an action's stages, in order, for a dry run.
 * @param exchange its `onResponse` gets the responses of the checks; it must not store them
 * @returns the stages that could not be checked, or not completely
 * @throws {AgentError} the error of the first stage that would fail
 */
export const checkPipeline = async <Request, Response>(
  { stages }: Action,
  exchange: Exchange<Request, Response>,
): Promise<Unchecked[]> => {
  const unchecked: Unchecked[] = [];
  for (const stage of stages) unchecked.push(...(await checkStage(stage, exchange)));
  return unchecked;
};
