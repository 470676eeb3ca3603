import { setTimeout as delay } from 'node:timers/promises';
import type { Schema } from 'joi';
import { AgentError, badResponse, errorMessage, failureOf, isStorageFailure } from '../../errors.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import { redactError, textFor } from '../../model/redact-request.js';
import type { StageProgress } from '../../store/logged-job.js';
import type { Action, Stage } from './action.js';
import { wayToCall } from './calls.js';

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

/** Returns the response to an upload, which the action's only stage takes, if it matches the schema. */
export const requireUploadShape = <Response>(
  schema: Schema<Response>,
  { stages: [stage] }: Action,
  response: unknown,
): Response => {
  const { value, error } = schema.validate(response);
  if (error)
    throw badResponse(
      stage?.service.name ?? '',
      `malformed response to an upload: ${describeMistakes(error)}`,
    );
  return value;
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
  /** What the stages before left to it. */
  earlier: StageProgress;
  /** Called before each stage, with what the stages before leave to it; the stage waits for it. */
  enterStage(stage: number, progress: StageProgress): Promise<void>;
  /** Called with the note in a stage's response, which becomes the job's message. */
  report(message: string): void;
  /** Called with an error that the job's message does not have. */
  warn(message: string): void;
}

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

/** The keys of a response that later stages of the same run get in their requests, as they are. */
const CARRIED = ['source', 'target'] as const;

const carriedFrom = (response: unknown): StageProgress['carried'] => {
  const found = CARRIED.map((key) => [key, (response as Partial<Record<string, unknown>>)[key]]);
  return Object.fromEntries(found.filter(([, value]) => typeof value === 'object' && value !== null));
};

/** Adds what a stage gets besides its request: what the stages before pass on, and whether they have succeeded. */
const withProgress = <Request>(
  request: Request,
  { always }: Stage,
  { carried, failure }: StageProgress,
): Request => ({
  ...request,
  ...carried,
  ...(always ? { outcome: failure ? 'failed' : 'succeeded' } : {}),
});

/** How long a stage that always runs waits for its sub-agent to come back, in milliseconds. */
const COME_BACK_MS = 60_000;
const COME_BACK_PAUSE_MS = 500;

const isDown = (error: unknown): boolean => error instanceof AgentError && error.kind === 'unavailable';

const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  delay(ms, undefined, signal ? { signal } : {}).catch((error: unknown) => {
    // The timer's AbortError would hide the signal's reason.
    signal?.throwIfAborted();
    throw error;
  });

/** @throws any error but a failure of the agent's disk */
const exceptOfStorage = (error: unknown): void => {
  if (!isStorageFailure(error)) throw error;
};

/**
 * Repeats the call of a stage that always runs while its sub-agent is down: what the stage ends would stay as it is.
 * @param enterAgain throws when the run is left to the next start of the agent
 */
const callUntilBack = async (
  send: () => Promise<unknown>,
  enterAgain: () => Promise<void>,
): Promise<unknown> => {
  const startedAt = performance.now();
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (!isDown(error) || performance.now() - startedAt > COME_BACK_MS) throw error;
      await pause(COME_BACK_PAUSE_MS);
      await enterAgain();
    }
  }
};

const runStage = async <Request, Response>(
  action: Action,
  index: number,
  exchange: Exchange<Request, Response>,
  { signal, run }: PipelineOptions,
  progress: StageProgress,
): Promise<Response> => {
  const stage = action.stages[index] as Stage;
  const call = wayToCall(action);
  let startedAt = 0;
  const onStart = (): void => {
    startedAt ||= performance.now();
  };
  const enterAgain = async (): Promise<void> => run?.enterStage(index, progress).catch(exceptOfStorage);
  const earlierAttempts = run?.repeated && run.fromStage === index ? 1 : 0;
  for (let attempt = 1; ; attempt += 1) {
    const request = withProgress(exchange.request(stage), stage, progress);
    const jobStage = run && { job: run.job, stage: index, attempt: attempt + earlierAttempts };
    const send = (): Promise<unknown> => call(stage, request, { signal, jobStage, onStart });
    const response = (await (stage.always ? callUntilBack(send, enterAgain) : send()).catch(
      (error: unknown) => {
        throw redactError(request, error);
      },
    )) as Response;
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
    await pause(retry * 1000, signal);
  }
};

/** How a run stands: its first error, and what the next stage gets. */
class Standing {
  readonly #run: PipelineRun | undefined;
  progress: StageProgress;
  failed: { error: unknown } | undefined;

  constructor(run: PipelineRun | undefined) {
    this.#run = run;
    this.progress = run?.earlier ?? {};
    const { failure } = this.progress;
    this.failed = failure && { error: new AgentError(failure.kind, failure.message) };
  }

  fail(error: unknown): void {
    if (this.failed) this.#run?.warn(`after the failure of an earlier stage: ${errorMessage(error)}`);
    this.failed ??= { error };
    this.progress = { ...this.progress, failure: failureOf(this.failed.error) };
  }

  pass(response: unknown): void {
    this.progress = {
      ...this.progress,
      carried: { ...this.progress.carried, ...carriedFrom(response) },
    };
  }

  /** Records that a stage begins. @returns whether it may */
  async enter({ always }: Stage, index: number): Promise<boolean> {
    try {
      await this.#run?.enterStage(index, this.progress);
      return true;
    } catch (error) {
      this.fail(error);
      // What the stage ends would stay as it is while the disk is full.
      return always && isStorageFailure(error);
    }
  }
}

/**
 * Runs an action's stages in order, up to the first that fails. After it, and after an abort, the stages run that always
 * do, each without the signal: they end what the others began.
 * @returns the last stage's response; `undefined` when the action has no stages
 * @throws {AgentError} the first error, which names the service that failed
 */
export const runPipeline = async <Request, Response>(
  action: Action,
  exchange: Exchange<Request, Response>,
  options: PipelineOptions = {},
): Promise<Response | undefined> => {
  const { run, signal } = options;
  const standing = new Standing(run);
  let last: Response | undefined;
  for (let index = run?.fromStage ?? 0; index < action.stages.length; index += 1) {
    const stage = action.stages[index] as Stage;
    if (signal?.aborted && !standing.failed) standing.fail(signal.reason);
    if (standing.failed && !stage.always) continue;
    if (!(await standing.enter(stage, index))) continue;
    try {
      const under = stage.always ? { ...options, signal: undefined } : options;
      last = await runStage(action, index, exchange, under, standing.progress);
      standing.pass(last);
    } catch (error) {
      standing.fail(error);
    }
  }
  if (standing.failed) throw standing.failed.error;
  return last;
};
