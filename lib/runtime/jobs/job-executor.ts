import {
  AgentError,
  actionInterrupted,
  endNotWritten,
  errorMessage,
  isStorageFailure,
} from '../../errors.js';
import type { Logger } from '../../log.js';
import { isFinished, type Job } from '../../model/job.js';
import type { JobLog } from '../../store/job-log.js';
import type { Task } from '../../store/logged-job.js';
import type { Action } from '../pipeline/action.js';
import type { JobRun } from '../pipeline/pipeline.js';
import { type Persist, persist } from './retry-write.js';

/** A task whose turn has come. */
export interface TaskRun {
  job: Job;
  action: Action;
  run: JobRun;
  /** Aborted when the job is to end early. */
  signal: AbortSignal;
  /** For what is so by now, whether it can be written or not. */
  persist: Persist;
}

export type RunTask = (task: Task, run: TaskRun) => Promise<unknown>;

export interface QueuedJob {
  id: string;
  /** The id of its runner. */
  guest: string;
  /** Resolves when it is on disk. */
  logged: Promise<Job>;
  action: Action;
  task: Task;
  /** To begin at. */
  stage: number;
  /** Whether that stage may have been run before. */
  repeated: boolean;
  /** Aborted, with the reason, when it has ended and that cannot be written for now. */
  unwritten: AbortController;
}

export interface LoggedRunsOptions {
  jobs: JobLog;
  runTask: RunTask;
  log: Logger;
  /** Aborted when what has not ended by then is for the next start to go on with. */
  left: AbortSignal;
}

/** What the lines in the agent's log say of a job. */
const about = ({ id, guest, action }: QueuedJob) => ({ guest, action: action.name, job: id });

/** Runs jobs, and logs on disk how far each one comes and how it ends. */
export class LoggedRuns {
  readonly #jobs: JobLog;
  readonly #runTask: RunTask;
  readonly #log: Logger;
  readonly #left: AbortSignal;

  constructor({ jobs, runTask, log, left }: LoggedRunsOptions) {
    this.#jobs = jobs;
    this.#runTask = runTask;
    this.#log = log;
    this.#left = left;
  }

  async run<T>(entry: QueuedJob, signal: AbortSignal): Promise<T> {
    const { id, action, task, stage, repeated } = entry;
    // Asked for before the job is known to be logged: when its turn comes at once, both share a sync.
    const started = this.#jobs.start(id);
    started.catch(() => {});
    const enterStage = async (index: number): Promise<void> => {
      signal.throwIfAborted();
      if (index > 0) await this.#jobs.enterStage(id, index);
    };
    let result: unknown;
    try {
      const job = await entry.logged;
      await started;
      this.#log.debug(about(entry), 'running');
      const run: JobRun = { job: id, fromStage: stage, repeated, enterStage };
      const persists: Persist = (write) => this.#persist(entry, write);
      const taskRun: TaskRun = { job, action, run, signal, persist: persists };
      result = await this.#runTask(task, taskRun).catch((error: unknown) => {
        throw isStorageFailure(error) ? actionInterrupted(error) : error;
      });
    } catch (error) {
      await this.fail(entry, error);
      throw error;
    }
    await this.#persist(entry, () => this.#jobs.complete(id, result));
    this.#log.info(about(entry), 'complete');
    return result as T;
  }

  /** Notes why a job failed, or never ran. That the log cannot be written must not end the process. */
  async fail(entry: QueuedJob, reason: unknown): Promise<void> {
    const { id, logged } = entry;
    try {
      await logged;
      if (this.#left.aborted || isFinished(this.#jobs.get(id))) return;
      this.#log.warn(about(entry), `failed: ${errorMessage(reason)}`);
      const kind = reason instanceof AgentError ? reason.kind : 'bad_answer';
      await this.#persist(entry, () => this.#jobs.fail(id, errorMessage(reason), kind));
    } catch (error) {
      this.#log.error(
        { err: error, ...about(entry) },
        `cannot log a job that failed: ${errorMessage(reason)}`,
      );
    }
  }

  /** An end that is not on disk would have the job run again after a restart. */
  #persist<T>(entry: QueuedJob, write: () => Promise<T>): Promise<T> {
    return persist(write, (error) => {
      this.#log.error(about(entry), `has ended, which is tried until it is written: ${errorMessage(error)}`);
      entry.unwritten.abort(endNotWritten(entry.id, error));
    });
  }
}
