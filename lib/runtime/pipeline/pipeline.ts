import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Schema } from 'joi';
import { type TimeLimit, waitFor, withDeadline } from '../../async/deadline.js';
import { badResponse, notConfigured, serviceTimeout } from '../../errors.js';
import type { ConsoleQuery } from '../../rpc/client/service-client.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { JobStage } from '../../rpc/protocol/messages.js';
import type { Action, Stage } from './action.js';

/** How often one stage may ask to be run again. */
export const MAX_ATTEMPTS = 100;

/** What a pipeline says to its stages, and what it does with their answers. */
export interface Exchange<Request, Response> {
  /** Makes the request when the stage's turn has come. */
  request(stage: Stage): Request;
  /** Takes in a stage's answer before the next stage runs. */
  answered?(stage: Stage, answer: Response, request: Request): Promise<void>;
}

/** Refuses answers that are not of that shape. */
export const requireShape =
  (schema: Schema) =>
  async ({ service, method }: Stage, answer: unknown): Promise<void> => {
    const { error } = schema.validate(answer);
    if (error) throw badResponse(service.name, `the response to ${method} is malformed: ${error.message}`);
  };

export interface PipelineOptions {
  /** Ends the pipeline. */
  signal?: AbortSignal | undefined;
  /** The job that it is run for. */
  run?: JobRun | undefined;
}

/** One run of a job: the first one, or the one after a restart that goes on where the first one was. */
export interface JobRun {
  /** The job's id. */
  job: string;
  /** The stage to begin at. */
  fromStage: number;
  /** Whether that stage may have been run before. */
  repeated: boolean;
  /** Is called, and waited for, before a stage is run. */
  enterStage(stage: number): Promise<void>;
}

const limitOf = ({ service, method, timeout }: Stage): TimeLimit => ({
  ms: timeout * 1000,
  expired: () => serviceTimeout(service.name, method, timeout),
});

interface CallOf {
  signal: AbortSignal | undefined;
  jobStage: JobStage | undefined;
  /** Is called when its time starts. */
  begins: () => void;
}

/** Its time starts when the service has room. */
const callQueued = (
  stage: Stage,
  request: unknown,
  { signal, jobStage, begins }: CallOf,
): Promise<unknown> => {
  const { method, service } = stage;
  const call = (): Promise<unknown> => {
    begins();
    return service.client.call(method, request, { signal, limit: limitOf(stage), stage: jobStage });
  };
  return waitFor(service.throttle(call), signal);
};

/** A client waits for it, so its time starts at once. */
const callNow = (stage: Stage, request: unknown, { signal, jobStage, begins }: CallOf): Promise<unknown> => {
  const { method, service } = stage;
  begins();
  const limit = limitOf(stage);
  const endsAt = performance.now() + limit.ms;
  const call = async (): Promise<unknown> => {
    const ms = endsAt - performance.now();
    // It waited for room until nobody waited for it any more.
    if (ms <= 0) throw limit.expired();
    return service.client.call(method, request, { signal, limit: { ...limit, ms }, stage: jobStage });
  };
  return waitFor(service.throttle(call), signal, limit);
};

/** Seconds after which the stage asks to be run again; 0 when it does not. */
const retryAfter = (answer: unknown): number => {
  const { retry } = answer as { retry?: unknown };
  return typeof retry === 'number' && retry > 0 ? retry : 0;
};

const runStage = async <Request, Response>(
  action: Action,
  index: number,
  exchange: Exchange<Request, Response>,
  { signal, run }: PipelineOptions,
): Promise<Response> => {
  const stage = action.stages[index] as Stage;
  const call = action.type === 'async' ? callQueued : callNow;
  let beganAt = 0;
  const begins = (): void => {
    beganAt ||= Date.now();
  };
  await run?.enterStage(index);
  const earlier = run?.repeated && run.fromStage === index ? 1 : 0;
  for (let attempt = 1; ; attempt += 1) {
    const request = exchange.request(stage);
    const jobStage = run && { job: run.job, stage: index, attempt: attempt + earlier };
    const answer = (await call(stage, request, { signal, jobStage, begins })) as Response;
    await exchange.answered?.(stage, answer, request);
    const retry = retryAfter(answer);
    if (retry === 0) return answer;
    if (attempt >= MAX_ATTEMPTS || Date.now() - beganAt > (stage.timeout - retry) * 1000) {
      throw badResponse(
        stage.service.name,
        `${stage.method} still asks to be run again after ${attempt} attempts`,
      );
    }
    await delay(retry * 1000, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      // The timer's own words say less than why it was ended.
      signal?.throwIfAborted();
      throw error;
    });
  }
};

/**
 * Runs the stages in order; the first failure ends it.
 * @returns the last stage's answer; `undefined` when the action has no stages
 * @throws {AgentError} that names the service that failed
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

/** Opens a stream when `limit` has room for it; it keeps its place until its bytes have ended. */
export const holdingPlace = (
  limit: (work: () => Promise<void>) => Promise<void>,
  open: () => Promise<ByteStream>,
): Promise<ByteStream> =>
  new Promise((resolve, reject) => {
    void limit(async () => {
      try {
        const answer = await open();
        resolve(answer);
        await finished(answer.bytes).catch(() => {});
      } catch (error) {
        reject(error);
      }
    });
  });

/**
 * Runs the stages of a stream action: each gets the bare request, the last one's bytes are the answer.
 * @param signal ends the stream, not just the wait for it
 * @throws {AgentError} `timeout` when the bytes do not begin in time
 */
export const openStream = async (
  action: Action,
  request: unknown,
  signal: AbortSignal,
): Promise<ByteStream> => {
  let last: ByteStream | undefined;
  for (const stage of action.stages) {
    last?.bytes.destroy();
    const { client, throttle } = stage.service;
    last = await holdingPlace(throttle, () =>
      withDeadline(limitOf(stage), signal, (openSignal) =>
        client.open(request, AbortSignal.any([signal, openSignal])),
      ),
    );
  }
  if (!last) throw notConfigured(action.name);
  return last;
};

/**
 * Runs the stages of a console action: each gets the request and its own args, the last one's console is the answer.
 * @param signal gives up while it is not open yet
 * @throws {AgentError} `timeout` when it does not open in time
 */
export const openConsole = async (
  action: Action,
  request: ConsoleQuery,
  signal: AbortSignal,
): Promise<Duplex> => {
  let last: Duplex | undefined;
  for (const stage of action.stages) {
    last?.destroy();
    const { client, throttle } = stage.service;
    last = await withDeadline(limitOf(stage), signal, (openSignal) =>
      // It stays open for hours, and is no call any more by then.
      throttle(() => client.connect({ ...stage.args, ...request }, openSignal)),
    );
  }
  if (!last) throw notConfigured(action.name);
  return last;
};
