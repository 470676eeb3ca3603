import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../async/deadline.js';
import { AgentError, errorMessage, jobEnded, stopping } from '../../errors.js';
import type { Logger } from '../../log.js';
import { isFinished, type Job } from '../../model/job.js';
import type { JobLog, NewJobOptions } from '../../store/job-log.js';
import type { KeyedRequest, LoggedJob, Task } from '../../store/logged-job.js';
import type { Action } from '../pipeline/action.js';
import { JobExecutor, type TaskFunction } from './job-executor.js';
import { type LiveJob, LiveJobs } from './live-jobs.js';
import { type RetryWrite, retryWrite } from './retry-write.js';
import type { EnqueueOptions } from './runner.js';
import type { RunnerRegistry } from './runner-registry.js';
import type { Submission, SubmitOptions, Submitted } from './submission.js';

export interface JobQueueOptions {
  jobs: JobLog;
  runners: RunnerRegistry;
  runTask: TaskFunction;
  /** Says what is known of a guest when a job is queued for it. */
  aboutGuest: (guest: string, task: Task) => NewJobOptions['about'];
  log: Logger;
}

/** Everything a repair needs to run. */
export interface RepairContext {
  /** Aborted when the repair is cancelled. */
  signal: AbortSignal;
  retryWrite: RetryWrite;
}

/** How long a running action may continue after a poweroff or a delete of its guest was queued. */
const SUPERSEDE_GRACE_MS = 5000;

/** Settles with the outcome of a job that is no longer live; never when the job has no outcome. */
const outcomeOf = ({ Message }: Job, { outcome }: KeyedRequest): Promise<unknown> => {
  if (!outcome) return new Promise(() => {});
  if ('answer' in outcome) return Promise.resolve(JSON.parse(outcome.answer));
  return Promise.reject(new AgentError(outcome.kind, Message));
};

/** Queues async actions: each is on disk as a job before it is accepted, and runs in its runner's order. */
export class JobQueue {
  readonly #jobs: JobLog;
  readonly #runners: RunnerRegistry;
  readonly #live: LiveJobs;
  readonly #aboutGuest: JobQueueOptions['aboutGuest'];
  readonly #log: Logger;
  readonly #detached = new AbortController();
  #stopping = false;

  constructor({ jobs, runners, runTask, aboutGuest, log }: JobQueueOptions) {
    this.#jobs = jobs;
    this.#runners = runners;
    this.#live = new LiveJobs(new JobExecutor({ jobs, runTask, log, detached: this.detached }));
    this.#aboutGuest = aboutGuest;
    this.#log = log;
  }

  /**
   * Logs an action as a job and queues it.
   * @param pending the result to give a client that does not wait for the job
   * @throws {AgentError} `queue_full`, or `unavailable` when the agent is stopping
   */
  async submit<T>(
    runnerId: string,
    action: Action,
    task: Task,
    pending: T,
    { first, request, dryRun, cause, by }: SubmitOptions = {},
  ): Promise<Submission<T>> {
    if (this.#stopping) throw stopping();
    const options = first === undefined ? {} : { first };
    this.#runners.requireRoom(runnerId, task, options);
    if (dryRun) return { pending };
    const id = crypto.randomUUID();
    // Enqueued in the same turn, so that jobs run in the order of the requests; it starts once it is on disk.
    const logged = this.#jobs.add(runnerId, action.name, task, {
      ...{ id, cause, by, about: this.#aboutGuest(runnerId, task) },
      request: request && { ...request, pending: JSON.stringify(pending) },
    });
    const entry = { id, guest: runnerId, logged, action, task, stage: 0, repeated: false, earlier: {} };
    const done = this.#live.enqueue<T>(this.#runners.enter(runnerId, task), entry, options);
    const job = await logged;
    this.#log.info({ guest: runnerId, action: action.name, job: id }, 'job queued');
    return { job, pending, done };
  }

  /** Finds an action that is queued or running on a runner and was not cancelled. */
  find(runnerId: string, action: Action): LiveJob | undefined {
    return this.#live.find(this.#runners.get(runnerId), action.name);
  }

  /** Whether an action that changes the guest is queued or running. */
  isChanging(guest: string): boolean {
    return this.#live.changesGuest(this.#runners.get(guest));
  }

  /** Returns the id of the job that is queued or running with an action for a guest, and was not cancelled. */
  jobOf(guest: string, action: string): string | undefined {
    return this.#live.search(
      (job, id) => job.guest === guest && job.action === action && job.runner.unfinished.includes(id),
    )?.[0];
  }

  /** Returns the id of a job that is queued or running with a backup. */
  jobWith(backup: string): string | undefined {
    return this.#live.search((job) => job.backup === backup)?.[0];
  }

  /** Resolves once the queued or running backup of a guest has ended; `undefined` when there is none. */
  backupEnd(guest: string): Promise<void> | undefined {
    return this.#backupOf(guest)?.[1].ended;
  }

  /**
   * Cancels the backup of a guest that is queued or running, and waits for the end of its job.
   * @returns the id of that job, if it has failed; one that was nearly done may have completed
   */
  async endBackup(guest: string, by: Job): Promise<string | undefined> {
    const found = this.#backupOf(guest);
    if (!found) return undefined;
    const [id, { runner, ended }] = found;
    runner.cancel(id, new AgentError('conflict', `superseded by ${by.Action}`));
    await ended;
    return this.#jobs.find(id)?.job.Status === 'Error' ? id : undefined;
  }

  /** Returns the submission of an earlier request, whether its job is live or has ended. */
  follow<T>({ job, request }: LoggedJob & { request: KeyedRequest }): Submitted<T> {
    const done = (this.#live.get(job.ID)?.done ?? outcomeOf(job, request)) as Promise<T>;
    return { job, pending: JSON.parse(request.pending) as T, done };
  }

  /** Queues a job that an earlier process of the agent left unfinished. */
  resume(
    { job, task, stage, carried, failure }: LoggedJob,
    action: Action,
    options: EnqueueOptions = {},
  ): void {
    const repeated = job.Status === 'Running';
    const entry = {
      id: job.ID,
      guest: job.GuestID,
      logged: Promise.resolve(job),
      action,
      task,
      stage,
      repeated,
      earlier: { ...(carried ? { carried } : {}), ...(failure ? { failure } : {}) },
    };
    void this.#live.enqueue(this.#runners.enter(job.GuestID, task), entry, options);
    this.#log.info(
      { guest: job.GuestID, action: job.Action, job: job.ID, stage },
      'job resumed after restart',
    );
  }

  /** Queues a repair of a guest's state, which has no job. */
  enqueueRepair(runnerId: string, repair: (context: RepairContext) => Promise<void>): void {
    const retry: RetryWrite = (write) =>
      retryWrite(write, (error) =>
        this.#log.error({ guest: runnerId }, `guest repair not written, retrying: ${errorMessage(error)}`),
      );
    this.#runners
      .get(runnerId)
      .enqueue(crypto.randomUUID(), (signal) => repair({ signal, retryWrite: retry }))
      .catch((error: unknown) => this.#log.error({ err: error, guest: runnerId }, 'guest repair failed'));
  }

  /** Whether the queue rejects new actions. */
  get isStopping(): boolean {
    return this.#stopping;
  }

  /** @throws {AgentError} `not_found`, or `conflict` when the job has ended */
  requireUnfinished(id: string): Job {
    const job = this.#jobs.get(id);
    if (isFinished(job)) throw jobEnded(job.ID, job.Status);
    return job;
  }

  /**
   * Cancels a job: a waiting one never runs; of a running one, the call to its sub-agent is aborted.
   * @returns the job once its end is on disk
   * @throws {AgentError} `conflict` when the job has ended; `disk_full` or `storage` when it is cancelled but that
   * cannot be written yet
   */
  async cancel(id: string): Promise<Job> {
    const job = this.requireUnfinished(id);
    const live = this.#live.get(id);
    if (!live) throw jobEnded(job.ID, job.Status);
    live.runner.cancel(id, new AgentError('conflict', 'cancelled'));
    await waitFor(live.ended, live.unwritten);
    return this.#jobs.get(id);
  }

  /**
   * Cancels other jobs of a job's runner: waiting ones at once, the running one after a few seconds in which it may
   * end by itself.
   * @param picked choose the jobs to cancel by the name of their action
   */
  supersede(
    by: Job,
    picked: { waiting: (action: string) => boolean; running: (action: string) => boolean },
  ): void {
    const runner = this.#runners.get(by.GuestID);
    const reason = new AgentError('conflict', `superseded by ${by.Action}`);
    const isPicked = (id: string, pick: (action: string) => boolean): boolean =>
      id !== by.ID && pick(this.#live.get(id)?.action ?? '');
    runner.cancelWaiting(reason, (id) => isPicked(id, picked.waiting));
    const { running } = runner;
    if (running === undefined || !isPicked(running, picked.running)) return;
    setTimeout(() => runner.cancel(running, reason), SUPERSEDE_GRACE_MS).unref();
  }

  /** Cancels what waits for a deleted guest, and removes its runner. */
  forget(runnerId: string): void {
    this.#runners.get(runnerId).cancelWaiting(new AgentError('conflict', 'guest deleted'));
    this.#runners.remove(runnerId);
  }

  /**
   * Rejects new actions and waits for the running ones. Waiting jobs stay queued on disk, for the next start.
   * @param ms milliseconds after which it stops waiting
   */
  async drain(ms: number): Promise<void> {
    this.#stopping = true;
    const waited = new AbortController();
    await Promise.race([
      Promise.all(this.#runners.all().map((runner) => runner.pause())),
      delay(ms, undefined, { signal: waited.signal }).catch(() => {}),
    ]);
    waited.abort();
  }

  /** Leaves running jobs to the next start, as a kill would: their failures are no longer recorded. */
  detach(): void {
    this.#detached.abort(stopping());
  }

  /** Aborted by `detach`. */
  get detached(): AbortSignal {
    return this.#detached.signal;
  }

  #backupOf(guest: string): [string, LiveJob] | undefined {
    return this.#live.search((job) => job.guest === guest && job.action === 'createBackup');
  }
}
