import { AgentError, errorMessage } from '../errors.js';
import type { Logger } from '../log.js';
import { isFinished, type Job } from '../model/job.js';
import type { JobLog } from '../store/job-log.js';
import type { Task } from '../store/task.js';
import type { Action } from './action.js';
import type { JobRun } from './pipeline.js';

/** A task whose turn has come. */
export interface TaskRun {
  job: Job;
  action: Action;
  run: JobRun;
  /** Aborted when the job is to end early. */
  signal: AbortSignal;
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
    try {
      const job = await entry.logged;
      await started;
      this.#log.debug(about(entry), 'running');
      const run: JobRun = { job: id, fromStage: stage, repeated, enterStage };
      const result = await this.#runTask(task, { job, action, run, signal });
      await this.#jobs.complete(id, result);
      this.#log.info(about(entry), 'complete');
      return result as T;
    } catch (error) {
      await this.fail(entry, error);
      throw error;
    }
  }

  /** Notes why a job failed, or never ran. That the log cannot be written must not end the process. */
  async fail(entry: QueuedJob, reason: unknown): Promise<void> {
    const { id, logged } = entry;
    try {
      await logged;
      if (this.#left.aborted || isFinished(this.#jobs.get(id))) return;
      this.#log.warn(about(entry), `failed: ${errorMessage(reason)}`);
      const kind = reason instanceof AgentError ? reason.kind : 'bad_answer';
      await this.#jobs.fail(id, errorMessage(reason), kind);
    } catch (error) {
      this.#log.error(
        { err: error, ...about(entry) },
        `cannot log a job that failed: ${errorMessage(reason)}`,
      );
    }
  }
}
