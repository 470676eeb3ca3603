import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../async/deadline.js';
import { AgentError, errorMessage, jobEnded, stopping } from '../../errors.js';
import type { Logger } from '../../log.js';
import { isFinished, type Job } from '../../model/job.js';
import type { JobLog } from '../../store/job-log.js';
import type { AnsweredRequest, LoggedJob, Task } from '../../store/logged-job.js';
import type { Action } from '../pipeline/action.js';
import type { Runners } from '../runners.js';
import { LoggedRuns, type QueuedJob, type RunTask } from './job-executor.js';
import { type Persist, persist } from './retry-write.js';
import type { EnqueueOptions, Runner } from './runner.js';
import type { Submission, SubmitOptions, Submitted } from './submission.js';

export interface JobQueueOptions {
  jobs: JobLog;
  runners: Runners;
  runTask: RunTask;
  log: Logger;
}

/** How long a poweroff or a delete lets the action before it go on. */
const SUPERSEDE_GRACE_MS = 5000;

/** The async actions: logged on disk as jobs before they are accepted, then run one at a time per runner. */
export class JobQueue {
  readonly #jobs: JobLog;
  readonly #runners: Runners;
  readonly #runs: LoggedRuns;
  readonly #log: Logger;
  /** What is queued or runs, which may not be logged yet. */
  readonly #live = new Map<string, LiveJob>();
  readonly #left = new AbortController();
  #stopping = false;

  constructor({ jobs, runners, runTask, log }: JobQueueOptions) {
    this.#jobs = jobs;
    this.#runners = runners;
    this.#runs = new LoggedRuns({ jobs, runTask, log, left: this.left });
    this.#log = log;
  }

  /**
   * Logs an action as a job and queues it.
   * @param pending what can be said before it has ended
   * @throws {AgentError} `queue_full`, or `unavailable` when the agent is stopping
   */
  async submit<T>(
    runnerId: string,
    action: Action,
    task: Task,
    pending: T,
    { first, request, dryRun }: SubmitOptions = {},
  ): Promise<Submission<T>> {
    if (this.#stopping) throw stopping();
    const runner = this.#runners.get(runnerId);
    const options = first === undefined ? {} : { first };
    runner.requireRoom(options);
    if (dryRun) return { pending };
    const id = crypto.randomUUID();
    // Queued in the same turn, so that the order is the one asked for; it starts when it is logged.
    const logged = this.#jobs.add(runnerId, action.name, task, {
      id,
      request: request && { ...request, pending: JSON.stringify(pending) },
    });
    const entry = { id, guest: runnerId, logged, action, task, stage: 0, repeated: false };
    const done = this.#enqueue<T>(runner, entry, options);
    const job = await logged;
    this.#log.info({ guest: runnerId, action: action.name, job: id }, 'queued');
    return { job, pending, done };
  }

  /** What a request has led to before. */
  follow<T>({ job, request }: LoggedJob & { request: AnsweredRequest }): Submitted<T> {
    const done = (this.#live.get(job.ID)?.done ?? outcomeOf(job, request)) as Promise<T>;
    return { job, pending: JSON.parse(request.pending) as T, done };
  }

  /** Queues a job that an earlier process of the agent left unfinished. */
  resume({ job, task, stage }: LoggedJob, action: Action, options: EnqueueOptions = {}): void {
    const repeated = job.Status === 'Running';
    const runner = this.#runners.get(job.GuestID);
    const entry = {
      id: job.ID,
      guest: job.GuestID,
      logged: Promise.resolve(job),
      action,
      task,
      stage,
      repeated,
    };
    void this.#enqueue(runner, entry, options);
    this.#log.info({ guest: job.GuestID, action: job.Action, job: job.ID, stage }, 'goes on after a restart');
  }

  /** Queues what has to be put right before anything else is done with a guest. */
  settle(runnerId: string, work: (settling: Settling) => Promise<void>): void {
    const persists: Persist = (write) =>
      persist(write, (error) =>
        this.#log.error({ guest: runnerId }, `is tried until it is written: ${errorMessage(error)}`),
      );
    const settled = this.#runners
      .get(runnerId)
      .enqueue(crypto.randomUUID(), (signal) => work({ signal, persist: persists }));
    settled.catch((error: unknown) => this.#log.error({ err: error, guest: runnerId }, 'cannot be settled'));
  }

  /** Whether it takes no more. */
  get isStopping(): boolean {
    return this.#stopping;
  }

  /** @throws {AgentError} `not_found`, or `conflict` when it has ended already */
  requireUnfinished(id: string): Job {
    const job = this.#jobs.get(id);
    if (isFinished(job)) throw jobEnded(job.ID, job.Status);
    return job;
  }

  /**
   * Ends a job early: one that waits never runs; of one that runs, the call to its sub-agent is broken off.
   * @returns the job as it is afterwards
   * @throws {AgentError} `conflict` when it has ended already, `disk_full` or `storage` when it does end, but
   * that cannot be written for now
   */
  async cancel(id: string): Promise<Job> {
    const job = this.requireUnfinished(id);
    const live = this.#live.get(id);
    if (!live) throw jobEnded(job.ID, job.Status);
    this.#runners.get(job.GuestID).end(id, new AgentError('conflict', 'cancelled'));
    await waitFor(live.ended, live.unwritten);
    return this.#jobs.get(id);
  }

  /**
   * Clears the way for a job that nothing may hold up. Of the others of its runner, what waits and is picked never
   * runs; what runs and is picked gets some seconds to end by itself.
   * @param picked by the name of their action
   */
  supersede(
    by: Job,
    picked: { waiting: (action: string) => boolean; running: (action: string) => boolean },
  ): void {
    const runner = this.#runners.get(by.GuestID);
    const reason = new AgentError('conflict', `superseded by ${by.Action}`);
    const isPicked = (id: string, pick: (action: string) => boolean): boolean =>
      id !== by.ID && pick(this.#live.get(id)?.action ?? '');
    runner.abandon(reason, (id) => isPicked(id, picked.waiting));
    const { running } = runner;
    if (running === undefined || !isPicked(running, picked.running)) return;
    setTimeout(() => runner.end(running, reason), SUPERSEDE_GRACE_MS).unref();
  }

  /** Ends what waits for a guest that is gone. */
  forget(runnerId: string): void {
    this.#runners.get(runnerId).abandon(new AgentError('conflict', 'guest deleted'));
    this.#runners.forget(runnerId);
  }

  /**
   * Takes no new actions and waits for those that run. What waits stays queued on disk, for the next start.
   * @param ms milliseconds after which what still runs is left to the next start as well
   */
  async drain(ms: number): Promise<void> {
    this.#stopping = true;
    const inTime = new AbortController();
    await Promise.race([
      Promise.all(this.#runners.all().map((runner) => runner.pause())),
      delay(ms, undefined, { signal: inTime.signal }).catch(() => {}),
    ]);
    inTime.abort();
  }

  /** Leaves what still runs to the next start, as a kill would: what it fails with from now on counts for nothing. */
  leave(): void {
    this.#left.abort(stopping());
  }

  /** Aborted when what has not ended by then is for the next start to go on with. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  #enqueue<T>(
    runner: Runner,
    queued: Omit<QueuedJob, 'unwritten'>,
    options: EnqueueOptions = {},
  ): Promise<T> {
    const { id, action } = queued;
    const unwritten = new AbortController();
    const entry: QueuedJob = { ...queued, unwritten };
    const outcome = runner.enqueue(id, (signal) => this.#runs.run<T>(entry, signal), options);
    const ended = outcome
      .then(
        () => {},
        (error: unknown) => this.#runs.fail(entry, error),
      )
      .finally(() => this.#live.delete(id));
    // Nobody is told what a restart could still undo.
    const done = ended.then(() => outcome);
    done.catch(() => {});
    this.#live.set(id, { action: action.name, done, ended, unwritten: unwritten.signal });
    return done;
  }
}

/** What is put right before anything else. */
export interface Settling {
  /** Aborted when it is to end early. */
  signal: AbortSignal;
  persist: Persist;
}

interface LiveJob {
  /** Its name. */
  action: string;
  done: Promise<unknown>;
  /** Resolves when its end is logged. */
  ended: Promise<void>;
  /** Aborted when its end cannot be logged for now. */
  unwritten: AbortSignal;
}

/** How a job ended that is no longer live; one that was never ended has nothing to wait for. */
const outcomeOf = ({ Message }: Job, { outcome }: AnsweredRequest): Promise<unknown> => {
  if (!outcome) return new Promise(() => {});
  if ('answer' in outcome) return Promise.resolve(JSON.parse(outcome.answer));
  return Promise.reject(new AgentError(outcome.kind, Message));
};
