import { setTimeout as delay } from 'node:timers/promises';
import type { Schema } from 'joi';
import { waitFor } from '../../async/deadline.js';
import { badResponse } from '../../errors.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import { redactError, textFor } from '../../model/redact-request.js';
import type { JobStage } from '../../rpc/protocol/calls.js';
import { type Action, type Stage, timeLimitOf } from './action.js';

/** How many times a stage may run when its responses keep asking for a retry. */
export const MAX_ATTEMPTS = 100;

/** Makes the requests of a pipeline's stages and handles their responses. */
export interface Exchange<Request, Response> {
  /** Makes a stage's request, right before it is sent. */
  request(stage: Stage): Request;
  /** Checks or stores a stage's response before the next stage runs. */
  onResponse?(stage: Stage, response: Response, request: Request): Promise<void>;
}

/** Returns an `onResponse` that rejects responses which do not match the schema. */
export const requireShape =
  (schema: Schema) =>
  async ({ service, method }: Stage, response: unknown): Promise<void> => {
    const { error } = schema.validate(response);
    if (error) throw badResponse(service.name, `malformed response to ${method}: ${describeMistakes(error)}`);
  };

export interface PipelineOptions {
  /** Aborts the pipeline. */
  signal?: AbortSignal | undefined;
  /** Present when a job runs the pipeline. */
  run?: PipelineRun | undefined;
}

/** One run of a job's pipeline: the first, or one that resumes after a restart of the agent. */
export interface PipelineRun {
  /** The job's id. */
  job: string;
  /** The stage to begin at. */
  fromStage: number;
  /** Whether that stage may have run before. */
  repeated: boolean;
  /** Called before each stage; the stage waits for it. */
  enterStage(stage: number): Promise<void>;
  /** Called with the note in a stage's response, which becomes the job's message. */
  report(message: string): void;
}

interface StageCall {
  signal: AbortSignal | undefined;
  jobStage: JobStage | undefined;
  /** Called when the stage's timeout starts to count. */
  onStart: () => void;
}

/** Calls a job's stage. The timeout counts from when the service has room for the call. */
const callQueued = (
  stage: Stage,
  request: unknown,
  { signal, jobStage, onStart }: StageCall,
): Promise<unknown> => {
  const { method, service } = stage;
  const call = (): Promise<unknown> => {
    onStart();
    return service.client.call(method, request, { signal, limit: timeLimitOf(stage), stage: jobStage });
  };
  return waitFor(service.throttle(call), signal);
};

/**
 * Calls a job's stage that may take as long as a download. Its sub-agent may continue when the connection breaks, so
 * notify it of a cancellation first.
 */
const callDownload = async (
  stage: Stage,
  request: unknown,
  { signal, jobStage, onStart }: StageCall,
): Promise<unknown> => {
  const { method, service } = stage;
  const ended = new AbortController();
  let isSent = false;
  const onAbort = async (): Promise<void> => {
    if (isSent && jobStage) await service.client.cancel(jobStage.job);
    ended.abort(signal?.reason);
  };
  const call = (): Promise<unknown> => {
    ended.signal.throwIfAborted();
    isSent = true;
    onStart();
    const options = { signal: ended.signal, limit: timeLimitOf(stage), stage: jobStage };
    return service.client.call(method, request, options);
  };
  if (signal?.aborted) await onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await waitFor(service.throttleDownload(call), ended.signal);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
};

/** Calls a stage while a client waits. The timeout counts at once, so it includes waiting for the service. */
export const callNow = (
  stage: Stage,
  request: unknown,
  { signal, jobStage, onStart }: StageCall,
): Promise<unknown> => {
  const { method, service } = stage;
  onStart();
  const limit = timeLimitOf(stage);
  const deadline = performance.now() + limit.ms;
  const call = async (): Promise<unknown> => {
    const ms = deadline - performance.now();
    // The service had no room in time, and the client already has its timeout.
    if (ms <= 0) throw limit.expired();
    return service.client.call(method, request, { signal, limit: { ...limit, ms }, stage: jobStage });
  };
  return waitFor(service.throttle(call), signal, limit);
};

/** Returns the seconds after which a response asks for the stage to run again; 0 when it does not ask. */
const retryAfter = (response: unknown): number => {
  const { retry } = response as { retry?: unknown };
  return typeof retry === 'number' && retry > 0 ? retry : 0;
};

/** Returns the note in a successful response; `""` without one. */
export const messageOf = (response: unknown): string => {
  const { message } = response as { message?: unknown };
  return typeof message === 'string' ? message : '';
};

const wayToCall = ({ kind, isDownload }: Action): typeof callNow => {
  if (kind !== 'async') return callNow;
  return isDownload ? callDownload : callQueued;
};

const runStage = async <Request, Response>(
  action: Action,
  index: number,
  exchange: Exchange<Request, Response>,
  { signal, run }: PipelineOptions,
): Promise<Response> => {
  const stage = action.stages[index] as Stage;
  const call = wayToCall(action);
  let startedAt = 0;
  const onStart = (): void => {
    startedAt ||= performance.now();
  };
  await run?.enterStage(index);
  const earlierAttempts = run?.repeated && run.fromStage === index ? 1 : 0;
  for (let attempt = 1; ; attempt += 1) {
    const request = exchange.request(stage);
    const jobStage = run && { job: run.job, stage: index, attempt: attempt + earlierAttempts };
    const response = (await call(stage, request, { signal, jobStage, onStart }).catch((error: unknown) => {
      throw redactError(request, error);
    })) as Response;
    await exchange.onResponse?.(stage, response, request);
    const retry = retryAfter(response);
    if (retry === 0) {
      const message = messageOf(response);
      if (message !== '') run?.report(textFor(request, message));
      return response;
    }
    if (attempt >= MAX_ATTEMPTS || performance.now() - startedAt > (stage.timeout - retry) * 1000) {
      throw badResponse(
        stage.service.name,
        `${stage.method} still asks for a retry after ${attempt} attempts`,
      );
    }
    await delay(retry * 1000, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      // The timer's AbortError would hide the signal's reason.
      signal?.throwIfAborted();
      throw error;
    });
  }
};

/**
 * Runs an action's stages in order, up to the first that fails.
 * @returns the last stage's response; `undefined` when the action has no stages
 * @throws {AgentError} naming the service that failed
 */
export const runPipeline = async <Request, Response>(
  action: Action,
  exchange: Exchange<Request, Response>,
  options: PipelineOptions = {},
): Promise<Response | undefined> => {
  let last: Response | undefined;
  const from = options.run?.fromStage ?? 0;
  for (let index = from; index < action.stages.length; index += 1) {
    last = await runStage(action, index, exchange, options);
  }
  return last;
};
