import { actionInterrupted, endNotWritten, errorMessage, failureOf, isStorageFailure } from '../../errors.js';
import type { Logger } from '../../log.js';
import { isFinished, type Job } from '../../model/job.js';
import type { JobLog } from '../../store/job-log.js';
import type { StageProgress, Task } from '../../store/logged-job.js';
import type { Action } from '../pipeline/action.js';
import type { PipelineRun } from '../pipeline/pipeline.js';
import { type RetryWrite, retryWrite } from './retry-write.js';

/** Everything a task needs to run for its job. */
export interface JobContext {
  job: Job;
  action: Action;
  run: PipelineRun;
  /** Aborted when the job is cancelled. */
  signal: AbortSignal;
  /** For writes that record what has already happened: retries until the disk takes them. */
  retryWrite: RetryWrite;
}

/** Runs a job's task; resolves with the job's result. */
export type TaskFunction = (task: Task, context: JobContext) => Promise<unknown>;

export interface QueuedJob {
  id: string;
  /** The id of its runner. */
  guest: string;
  /** Resolves when the job is on disk. */
  logged: Promise<Job>;
  action: Action;
  task: Task;
  /** The stage to begin at. */
  stage: number;
  /** Whether that stage may have run before. */
  repeated: boolean;
  /** What the stages before left to it. */
  earlier: StageProgress;
  /** Aborted, with the reason, when the job has ended and its end cannot be written yet. */
  unwritten: AbortController;
}

export interface JobExecutorOptions {
  jobs: JobLog;
  runTask: TaskFunction;
  log: Logger;
  /** Aborted when unfinished jobs are left to the agent's next start. */
  detached: AbortSignal;
}

/** The fields that identify a job in the agent's log. */
const logFields = ({ id, guest, action }: QueuedJob) => ({ guest, action: action.name, job: id });

/** Runs jobs and records their start, stages and end in the job log. */
export class JobExecutor {
  readonly #jobs: JobLog;
  readonly #runTask: TaskFunction;
  readonly #log: Logger;
  readonly #detached: AbortSignal;

  constructor({ jobs, runTask, log, detached }: JobExecutorOptions) {
    this.#jobs = jobs;
    this.#runTask = runTask;
    this.#log = log;
    this.#detached = detached;
  }

  /**
   * Runs a job.
   * @returns the task's result, once the job's end is on disk
   * @throws the task's error, once that is in the job log
   */
  async run<T>(entry: QueuedJob, signal: AbortSignal): Promise<T> {
    const { id, action, task, stage, repeated, earlier } = entry;
    // Requested before the job itself is on disk: when the job starts at once, both writes share a sync.
    const started = this.#jobs.start(id);
    started.catch(() => {});
    const enterStage = async (index: number, progress: StageProgress): Promise<void> => {
      this.#detached.throwIfAborted();
      if (index > 0) await this.#jobs.enterStage(id, index, progress);
    };
    const messages: string[] = [];
    let result: unknown;
    try {
      const job = await entry.logged;
      await started;
      this.#log.debug(logFields(entry), 'job started');
      const report = (message: string): void => void messages.push(message);
      const warn = (message: string): void => this.#log.warn(logFields(entry), message);
      const run: PipelineRun = { job: id, fromStage: stage, repeated, earlier, enterStage, report, warn };
      const context: JobContext = {
        job,
        action,
        run,
        signal,
        retryWrite: (write) => this.#retryWrite(entry, write),
      };
      result = await this.#runTask(task, context).catch((error: unknown) => {
        throw isStorageFailure(error) ? actionInterrupted(error) : error;
      });
    } catch (error) {
      await this.fail(entry, error);
      throw error;
    }
    await this.#retryWrite(entry, () => this.#jobs.complete(id, result, messages.join('; ')));
    this.#log.info(logFields(entry), 'job completed');
    return result as T;
  }

  /** Records why a job failed or never ran. Never rejects: a job log that cannot be written must not end the process. */
  async fail(entry: QueuedJob, reason: unknown): Promise<void> {
    const { id, logged } = entry;
    try {
      await logged;
      if (this.#detached.aborted || isFinished(this.#jobs.get(id))) return;
      this.#log.warn(logFields(entry), `job failed: ${errorMessage(reason)}`);
      const { kind, message } = failureOf(reason);
      await this.#retryWrite(entry, () => this.#jobs.fail(id, message, kind));
    } catch (error) {
      this.#log.error(
        { err: error, ...logFields(entry) },
        `job failed, and its failure is not in the job log: ${errorMessage(reason)}`,
      );
    }
  }

  /** Retries a write of a job's outcome: without it the job would run again after a restart. */
  #retryWrite<T>(entry: QueuedJob, write: () => Promise<T>): Promise<T> {
    return retryWrite(write, (error) => {
      this.#log.error(logFields(entry), `job outcome not written, retrying: ${errorMessage(error)}`);
      entry.unwritten.abort(endNotWritten(entry.id, error));
    });
  }
}
