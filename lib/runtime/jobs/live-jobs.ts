import type { Job } from '../../model/job.js';
import type { Task } from '../../store/logged-job.js';
import type { JobExecutor, QueuedJob } from './job-executor.js';
import type { Lane } from './lanes.js';
import type { EnqueueOptions, Runner } from './runner.js';

/** A job that is queued or running. */
export interface LiveJob {
  /** The action's name. */
  action: string;
  task: Task['kind'];
  /** The GuestID of the job. */
  guest: string;
  /** The backup that the job is about. */
  backup: string | undefined;
  runner: Runner;
  /** Resolves when the job is on disk. */
  logged: Promise<Job>;
  /** Settles with the job's outcome, once that is on disk. */
  done: Promise<unknown>;
  /** Resolves when the job's end is on disk. */
  ended: Promise<void>;
  /** Aborted, with the reason, when the job has ended and its end cannot be written yet. */
  unwritten: AbortSignal;
}

const backupOf = (task: Task): string | undefined => {
  if (task.kind === 'restore') return task.request.backup;
  return task.kind === 'backup' || task.kind === 'volumeBackup' ? task.backup : undefined;
};

/** The jobs that are queued or running, by id. A job is in here before it is in the job log. */
export class LiveJobs {
  readonly #executor: JobExecutor;
  readonly #jobs = new Map<string, LiveJob>();

  constructor(executor: JobExecutor) {
    this.#executor = executor;
  }

  get(id: string): LiveJob | undefined {
    return this.#jobs.get(id);
  }

  /** Finds a job of a runner that was not cancelled, by its action. */
  find({ unfinished }: Runner, action: string): LiveJob | undefined {
    return unfinished.map((id) => this.get(id)).find((job) => job?.action === action);
  }

  /** Whether a job of a runner that was not cancelled changes its guest. */
  changesGuest({ unfinished }: Runner): boolean {
    return unfinished.some((id) => ['guest', 'restore'].includes(this.get(id)?.task ?? ''));
  }

  /** Finds a job on any runner; returns its id and the job. */
  search(isWanted: (job: LiveJob, id: string) => boolean): [string, LiveJob] | undefined {
    return [...this.#jobs].find(([id, job]) => isWanted(job, id));
  }

  /** Queues a job on its runner. */
  enqueue<T>(
    { runner, leave }: Lane,
    job: Omit<QueuedJob, 'unwritten'>,
    options: EnqueueOptions = {},
  ): Promise<T> {
    const { id, action, task, logged } = job;
    const unwritten = new AbortController();
    const entry: QueuedJob = { ...job, unwritten };
    const outcome = runner.enqueue(id, (signal) => this.#executor.run<T>(entry, signal), options);
    const ended = outcome
      .then(
        () => {},
        (error: unknown) => this.#executor.fail(entry, error),
      )
      .finally(() => {
        this.#jobs.delete(id);
        leave();
      });
    // Report the outcome only once it is on disk, where a restart cannot undo it.
    const done = ended.then(() => outcome);
    done.catch(() => {});
    this.#jobs.set(id, {
      ...{ action: action.name, task: task.kind, guest: job.guest, backup: backupOf(task) },
      ...{ runner, logged, done, ended },
      unwritten: unwritten.signal,
    });
    return done;
  }
}
