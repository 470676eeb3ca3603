import { randomUUID } from 'node:crypto';
import { type ErrorKind, jobNotFound } from '../errors.js';
import { isFinished, type Job, type JobCause, type JobStatus, NO_TIME } from '../model/job.js';
import { parseSnapshotId } from '../portable/snapshot-id.js';
import { BackgroundEraser } from './background-eraser.js';
import { JobIndex } from './job-index.js';
import { JobRetention } from './job-retention.js';
import type { KeyedRequest, LoggedJob, StageProgress, Task } from './logged-job.js';
import { Collection } from './nedb/collection.js';
import { type Page, readPage } from './page.js';

export const DEFAULT_MAX_JOBS = 1000;
/** Delay before old jobs of an earlier process are erased, so that the start is not slowed down. */
const ERASE_AFTER_START_MS = 5000;

export interface NewJobOptions {
  /** A UUID. */
  id?: string;
  request?: KeyedRequest | undefined;
  cause?: JobCause | undefined;
  /** The name of the client that requested it. */
  by?: string | undefined;
  /** What is known of its guest. */
  about?: Pick<Job, 'GuestName' | 'ImageID'> | undefined;
}

/** The keys of a job that say what it is about besides its guest. */
const aboutOf = (task: Task): Pick<Job, 'ImageID' | 'BackupID' | 'VolumeID' | 'SnapshotName'> => {
  // A prune is about no single one.
  if (task.kind === 'image') return task.request.id === '' ? {} : { ImageID: task.request.id };
  if (task.kind === 'volume') return task.request.name === '' ? {} : { VolumeID: task.request.name };
  if (task.kind === 'volumeBackup') return { VolumeID: task.volume, BackupID: task.backup };
  if (task.kind === 'snapshot') {
    const name = task.request.dest || parseSnapshotId(task.request.id).name;
    return name === undefined ? {} : { SnapshotName: name };
  }
  if (task.kind === 'restore') return { BackupID: task.request.backup };
  return task.kind === 'backup' && task.backup !== undefined ? { BackupID: task.backup } : {};
};

/** The newest jobs, by id and by guest, kept across restarts. */
export class JobLog {
  readonly #collection: Collection<LoggedJob>;
  readonly #index = new JobIndex();
  readonly #retention: JobRetention;
  /** Erases forgotten jobs from the file. */
  readonly #eraser: BackgroundEraser;
  readonly #listeners: ((logged: LoggedJob) => void)[] = [];

  private constructor(collection: Collection<LoggedJob>, maxJobs: number) {
    this.#collection = collection;
    this.#retention = new JobRetention(maxJobs);
    this.#eraser = new BackgroundEraser((...ids) => collection.remove(...ids));
    for (const logged of collection.values()) {
      this.#addToIndex(logged);
      if (isFinished(logged.job)) this.#retention.noteFinished(logged.job.ID);
    }
  }

  static async open(filename: string, maxJobs = DEFAULT_MAX_JOBS): Promise<JobLog> {
    const log = new JobLog(await Collection.open<LoggedJob>(filename), maxJobs);
    log.#prune(ERASE_AFTER_START_MS);
    return log;
  }

  /** Logs a new job as queued; it is on disk when this resolves. */
  async add(
    guestId: string,
    action: string,
    task: Task,
    { id = randomUUID(), request, cause, by, about }: NewJobOptions = {},
  ): Promise<Job> {
    const now = new Date().toISOString();
    const job: Job = {
      ID: id,
      GuestID: guestId,
      Action: action,
      QueuedAt: now,
      StartedAt: NO_TIME,
      UpdatedAt: now,
      Status: 'Queued',
      Message: '',
      ...about,
      ...aboutOf(task),
      ...(cause ? { Cause: cause } : {}),
      ...(by === undefined ? {} : { RequestedBy: by }),
    };
    const logged: LoggedJob = { job, task, stage: 0, ...(request ? { request } : {}) };
    await this.#collection.put(job.ID, logged);
    this.#addToIndex(logged);
    // `logged`, not the stored job, which may have started in the same turn.
    this.#notify(logged);
    this.#prune();
    return job;
  }

  /** Calls `listener` after each change of a job, once it is on disk. */
  onChange(listener: (logged: LoggedJob) => void): void {
    this.#listeners.push(listener);
  }

  start(id: string): Promise<void> {
    return this.#change(id, (now) => ({ Status: 'Running', StartedAt: now }));
  }

  /**
   * @param result for the client; any JSON value
   * @param message a note for the user, such as a warning
   */
  async complete(id: string, result?: unknown, message = ''): Promise<void> {
    await this.#change(
      id,
      () => ({ Status: 'Complete', Message: message }),
      () => ({ answer: JSON.stringify(result ?? null) }),
    );
    this.#retention.noteFinished(id);
  }

  async fail(id: string, reason: string, kind: ErrorKind = 'bad_answer'): Promise<void> {
    await this.#change(
      id,
      () => ({ Status: 'Error', Message: reason }),
      () => ({ kind }),
    );
    this.#retention.noteFinished(id);
  }

  /**
   * Records the stage that a job is about to run, at which a restart resumes it, with what the stages before leave to it.
   * Drops the percentage of the stage before.
   */
  async enterStage(id: string, stage: number, progress: StageProgress = {}): Promise<void> {
    await this.#update(id, (logged) => {
      if (logged.stage === stage) return logged;
      const { percent: _, ...rest } = logged;
      return { ...rest, ...progress, stage };
    });
  }

  /**
   * Records a running job's progress; a job that does not run stays as it is.
   * @param percent 0 to 100, where it is known
   */
  async setProgress(id: string, message: string, percent?: number): Promise<void> {
    await this.#update(id, (logged) => {
      if (logged.job.Status !== 'Running') return logged;
      const { percent: _, ...rest } = logged;
      const job = { ...logged.job, Message: message };
      return percent === undefined ? { ...rest, job } : { ...rest, job, percent };
    });
  }

  /** @throws {AgentError} `not_found`, also when the job is another guest's */
  get(id: string, guestId?: string): Job {
    const job = this.find(id)?.job;
    if (!job || (guestId !== undefined && job.GuestID !== guestId)) throw jobNotFound(id);
    return job;
  }

  /** Returns a job with its task. */
  find(id: string): LoggedJob | undefined {
    return this.#index.has(id) ? this.#collection.get(id) : undefined;
  }

  hasJobsOf(guestId: string): boolean {
    return this.#index.hasJobsOf(guestId);
  }

  /** Returns the job of the request with an idempotency key. */
  findByKey(key: string): (LoggedJob & { request: KeyedRequest }) | undefined {
    const logged = this.#collection.get(this.#index.byKey(key) ?? '');
    return logged?.request && { ...logged, request: logged.request };
  }

  /** Returns all jobs, or all of one guest, newest first. */
  list({ guestId }: { guestId?: string } = {}): Job[] {
    return this.page(guestId === undefined ? {} : { guestId }).items;
  }

  /**
   * Returns a page of jobs, newest first.
   * @param before the previous page's `next`
   * @param where selects jobs; all when absent
   */
  page({
    guestId,
    before,
    limit = Number.POSITIVE_INFINITY,
    where,
  }: {
    guestId?: string;
    before?: number | undefined;
    limit?: number | undefined;
    where?: ((job: Job) => boolean) | undefined;
  }): Page<Job> {
    const ids = this.#index.ids(guestId);
    return ids
      ? readPage(ids, ids.before(before), { limit, read: (id) => this.get(id), where })
      : { items: [] };
  }

  /** Returns the unfinished jobs in the order to resume them: running, then queued, oldest first. */
  unfinished(): LoggedJob[] {
    const logged = this.#collection.values().filter(({ job }) => !isFinished(job));
    const inStatus = (status: JobStatus): LoggedJob[] => logged.filter(({ job }) => job.Status === status);
    return [...inStatus('Running'), ...inStatus('Queued')];
  }

  /** Rejects further writes. Resolves when the accepted ones are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }

  #addToIndex(logged: LoggedJob): void {
    this.#index.add(logged, this.#collection.orderOf(logged.job.ID) ?? 0);
  }

  async #change(
    id: string,
    change: (now: string) => Partial<Job>,
    outcome?: () => NonNullable<KeyedRequest['outcome']>,
  ): Promise<void> {
    const now = new Date().toISOString();
    await this.#update(id, ({ percent: _percent, carried: _carried, failure: _failure, ...logged }) => ({
      ...logged,
      job: { ...logged.job, ...change(now), UpdatedAt: now },
      ...(logged.request && outcome ? { request: { ...logged.request, outcome: outcome() } } : {}),
    }));
  }

  async #update(id: string, change: (logged: LoggedJob) => LoggedJob): Promise<void> {
    let before: LoggedJob | undefined;
    const updated = await this.#collection.update(id, (logged) => {
      before = logged;
      return change(logged);
    });
    // The result of this update: a later one may have changed the stored job already.
    if (updated && updated !== before) this.#notify(updated);
  }

  #notify(logged: LoggedJob): void {
    for (const listener of this.#listeners) listener(logged);
  }

  /**
   * Forgets the oldest finished jobs beyond the limit.
   * @param eraseAfter milliseconds until their erasure from the file starts
   */
  #prune(eraseAfter = 0): void {
    this.#retention.prune(
      () => this.#index.size,
      (id) => this.#collection.get(id),
      (id) => this.#forget(id),
    );
    this.#eraser.start(eraseAfter);
  }

  #forget(id: string): void {
    const logged = this.#collection.get(id);
    this.#eraser.add(id);
    if (logged) this.#index.remove(logged);
  }
}
