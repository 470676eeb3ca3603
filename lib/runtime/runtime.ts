import { randomUUID } from 'node:crypto';
import type { Duplex, Readable } from 'node:stream';
import pLimit, { type LimitFunction } from 'p-limit';
import { Locks } from '../async/keyed-locks.js';
import type { QuotaConfig } from '../config/quota.js';
import { notConfigured } from '../errors.js';
import type { Logger } from '../log.js';
import { StreamRefused } from '../rpc/client/refused.js';
import type { ConsoleQuery } from '../rpc/client/service-client.js';
import type { ByteStream } from '../rpc/protocol/byte-stream.js';
import type { GuestStore } from '../store/guest-store.js';
import type { JobLog } from '../store/job-log.js';
import type { Task } from '../store/logged-job.js';
import { aboutGuest } from './guests/about-guest.js';
import { GuestIdentities } from './guests/guest-identities.js';
import { GuestRevisions } from './guests/guest-revisions.js';
import { Quota } from './guests/quota.js';
import { SnapshotCounts } from './guests/snapshot-counts.js';
import { IdempotentRequests } from './jobs/idempotency.js';
import type { JobContext } from './jobs/job-executor.js';
import { JobQueue } from './jobs/job-queue.js';
import { RunnerRegistry } from './jobs/runner-registry.js';
import type { Action } from './pipeline/action.js';
import { openConsole, openStream, openWithinLimit, sendUpload } from './pipeline/open.js';
import { type Exchange, runPipeline } from './pipeline/pipeline.js';

/** The most backups that read guests at the same time: more would only slow each other down. */
const MAX_BACKUPS = 4;

/** The result of an action that was not queued, and the id of its pipeline. */
export interface ActionResult<T> {
  pipelineId: string;
  result: T;
}

export interface RuntimeOptions {
  actions: ReadonlyMap<string, Action>;
  guests: GuestStore;
  jobs: JobLog;
  log: Logger;
  /** Whether two guests may not have the same name. */
  uniqueNames: boolean;
  quota: QuotaConfig;
  /** Runs a job's task; resolves with the job's result. */
  runTask: (runtime: Runtime, task: Task, context: JobContext) => Promise<unknown>;
}

/** Runs actions: looks up their pipelines and runs them on the runners of their guests. */
export class Runtime {
  readonly guests: GuestStore;
  readonly jobs: JobLog;
  readonly revisions: GuestRevisions;
  readonly identities: GuestIdentities;
  readonly quota: Quota;
  /** Serializes the changes of a guest that depend on what the client has seen of it. */
  readonly conditions = new Locks();
  readonly snapshots: SnapshotCounts;
  readonly log: Logger;
  readonly #actions: ReadonlyMap<string, Action>;
  readonly queue: JobQueue;
  readonly requests: IdempotentRequests;
  /** Lets that many backups read guests at the same time; the others wait. */
  readonly backups: LimitFunction = pLimit(MAX_BACKUPS);
  readonly #runners = new RunnerRegistry();

  constructor({ actions, guests, jobs, log, uniqueNames, quota, runTask }: RuntimeOptions) {
    this.guests = guests;
    this.jobs = jobs;
    this.log = log;
    this.revisions = new GuestRevisions(guests, log);
    this.identities = new GuestIdentities(guests, uniqueNames);
    this.quota = new Quota(quota, guests);
    this.snapshots = new SnapshotCounts();
    this.#actions = actions;
    this.queue = new JobQueue({
      jobs,
      runners: this.#runners,
      runTask: (task, context) => runTask(this, task, context),
      aboutGuest: (id, task) => aboutGuest(guests.find(id), task),
      log,
    });
    this.requests = new IdempotentRequests(jobs, this.queue);
  }

  isConfigured(name: string): boolean {
    return this.#actions.has(name);
  }

  /** @throws {AgentError} `not_found` when the config lacks the action */
  action(name: string): Action {
    const action = this.#actions.get(name);
    if (!action) throw notConfigured(name);
    return action;
  }

  /** Whether a runner has no async action waiting or running. */
  isIdle(runnerId: string): boolean {
    const { waiting, running } = this.#runners.get(runnerId);
    return waiting === 0 && running === undefined;
  }

  /** Counts the waiting and running async actions of all runners. */
  load(): { waiting: number; running: number } {
    const runners = this.#runners.all();
    return {
      waiting: runners.reduce((sum, { waiting }) => sum + waiting, 0),
      running: runners.filter(({ running }) => running !== undefined).length,
    };
  }

  /** Runs an info action, within the runner's limit. */
  async query<Request, Response>(
    runnerId: string,
    action: Action,
    exchange: Exchange<Request, Response>,
    signal?: AbortSignal,
  ): Promise<ActionResult<Response | undefined>> {
    const result = await this.#runners.get(runnerId).info(() => runPipeline(action, exchange, { signal }));
    return { pipelineId: randomUUID(), result };
  }

  /** Opens the bytes of a stream action. They count towards the runner's limit until they end. */
  async stream(
    runnerId: string,
    action: Action,
    request: unknown,
    signal: AbortSignal,
  ): Promise<ActionResult<ByteStream>> {
    const open = (): Promise<ByteStream> => openStream(action, request, signal);
    const pipelineId = randomUUID();
    try {
      return { pipelineId, result: await openWithinLimit(this.#runners.get(runnerId).stream, open) };
    } catch (error) {
      if (error instanceof StreamRefused) error.pipelineId = pipelineId;
      throw error;
    }
  }

  /**
   * Sends the bytes of an upload action. It counts towards the runner's limit of streams until the sub-agent responds.
   * @returns the sub-agent's result
   */
  async upload(
    runnerId: string,
    action: Action,
    { request, bytes }: { request: unknown; bytes: Readable },
    signal: AbortSignal,
  ): Promise<ActionResult<object>> {
    const pipelineId = randomUUID();
    try {
      const send = (): Promise<object> => sendUpload(action, request, bytes, signal);
      return { pipelineId, result: await this.#runners.get(runnerId).stream(send) };
    } catch (error) {
      if (error instanceof StreamRefused) error.pipelineId = pipelineId;
      throw error;
    } finally {
      bytes.destroy();
    }
  }

  /** Opens the connection of a console action. It counts towards the runner's limit until it closes. */
  async connect(
    runnerId: string,
    action: Action,
    request: ConsoleQuery,
    signal: AbortSignal,
  ): Promise<ActionResult<Duplex>> {
    const leave = this.#runners.get(runnerId).enterConsole();
    try {
      const result = await openConsole(action, request, signal);
      result.once('close', leave);
      return { pipelineId: randomUUID(), result };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Drops the queue and the revision of a deleted guest. */
  forgetGuest(id: string): void {
    this.queue.forget(id);
    this.revisions.forget(id);
    this.snapshots.changed(id);
  }
}
