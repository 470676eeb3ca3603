import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { notConfigured } from '../errors.js';
import type { Logger } from '../log.js';
import { StreamRefused } from '../rpc/client/refused.js';
import type { ConsoleQuery } from '../rpc/client/service-client.js';
import type { ByteStream } from '../rpc/protocol/byte-stream.js';
import type { GuestStore } from '../store/guest-store.js';
import type { JobLog } from '../store/job-log.js';
import type { Task } from '../store/logged-job.js';
import { GuestRevisions } from './guests/guest-revisions.js';
import { IdempotentRequests } from './jobs/idempotency.js';
import type { TaskRun } from './jobs/job-executor.js';
import { JobQueue } from './jobs/job-queue.js';
import type { Action } from './pipeline/action.js';
import { type Exchange, holdingPlace, openConsole, openStream, runPipeline } from './pipeline/pipeline.js';
import { Runners } from './runners.js';

/** An info or stream action that was carried out: the pipeline's id, and what came of it. */
export interface Answered<T> {
  pipelineId: string;
  answer: T;
}

export interface RuntimeOptions {
  actions: ReadonlyMap<string, Action>;
  guests: GuestStore;
  jobs: JobLog;
  log: Logger;
  /** Does what a job is for. */
  runTask: (runtime: Runtime, task: Task, run: TaskRun) => Promise<unknown>;
}

/** Carries out actions: finds their pipelines, and the runners of the guests that they are for. */
export class Runtime {
  readonly guests: GuestStore;
  readonly jobs: JobLog;
  readonly revisions: GuestRevisions;
  readonly log: Logger;
  readonly #actions: ReadonlyMap<string, Action>;
  readonly queue: JobQueue;
  readonly requests: IdempotentRequests;
  readonly #runners = new Runners();

  constructor({ actions, guests, jobs, log, runTask }: RuntimeOptions) {
    this.guests = guests;
    this.jobs = jobs;
    this.log = log;
    this.revisions = new GuestRevisions(guests, log);
    this.#actions = actions;
    const run = (task: Task, taskRun: TaskRun): Promise<unknown> => runTask(this, task, taskRun);
    this.queue = new JobQueue({ jobs, runners: this.#runners, runTask: run, log });
    this.requests = new IdempotentRequests(jobs, this.queue);
  }

  isConfigured(name: string): boolean {
    return this.#actions.has(name);
  }

  /** @throws {AgentError} `not_found` when the config does not have it */
  action(name: string): Action {
    const action = this.#actions.get(name);
    if (!action) throw notConfigured(name);
    return action;
  }

  /** Whether nothing that was asked of a guest waits or runs. */
  isIdle(runnerId: string): boolean {
    const { waiting, running } = this.#runners.get(runnerId);
    return waiting === 0 && running === undefined;
  }

  /** Async actions, of all guests together. */
  load(): { waiting: number; running: number } {
    const runners = this.#runners.all();
    return {
      waiting: runners.reduce((sum, { waiting }) => sum + waiting, 0),
      running: runners.filter(({ running }) => running !== undefined).length,
    };
  }

  /** Runs an info action at once, within the runner's limit. */
  async query<Request, Response>(
    runnerId: string,
    action: Action,
    exchange: Exchange<Request, Response>,
    signal?: AbortSignal,
  ): Promise<Answered<Response | undefined>> {
    const answer = await this.#runners.get(runnerId).info(() => runPipeline(action, exchange, { signal }));
    return { pipelineId: randomUUID(), answer };
  }

  /** Opens a stream action's bytes. The runner's limit holds until they end. */
  async stream(
    runnerId: string,
    action: Action,
    request: unknown,
    signal: AbortSignal,
  ): Promise<Answered<ByteStream>> {
    const open = (): Promise<ByteStream> => openStream(action, request, signal);
    const pipelineId = randomUUID();
    try {
      return { pipelineId, answer: await holdingPlace(this.#runners.get(runnerId).stream, open) };
    } catch (error) {
      if (error instanceof StreamRefused) error.pipelineId = pipelineId;
      throw error;
    }
  }

  /** Opens a console action's two directions. The runner counts it until it is closed. */
  async connect(
    runnerId: string,
    action: Action,
    request: ConsoleQuery,
    signal: AbortSignal,
  ): Promise<Answered<Duplex>> {
    const leave = this.#runners.get(runnerId).enterConsole();
    try {
      const answer = await openConsole(action, request, signal);
      answer.once('close', leave);
      return { pipelineId: randomUUID(), answer };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** What there was of a guest that is gone. */
  forgetGuest(id: string): void {
    this.queue.forget(id);
    this.revisions.forget(id);
  }
}
