import { randomUUID } from 'node:crypto';
import { type ErrorKind, jobNotFound } from '../errors.js';
import { isFinished, type Job, type JobStatus, NO_TIME } from '../model/job.js';
import { Eraser } from './background-eraser.js';
import type { AnsweredRequest, LoggedJob, Task } from './logged-job.js';
import { Collection } from './nedb/collection.js';
import { OrderedIds } from './ordered-ids.js';
import { type Page, readPage } from './page.js';

export const DEFAULT_MAX_JOBS = 1000;
/** Old jobs that an earlier process has left in the file are removed when the start has had its time. */
const ERASE_AFTER_START_MS = 5000;
/** A client that tries a request again does so within this time, however many jobs come between. */
const KEEP_REQUESTED_MS = 60 * 60 * 1000;
/** But no more than so many jobs are kept for that alone. */
const MAX_REQUESTED = 50_000;

export interface NewJobOptions {
  /** A UUID. */
  id?: string;
  request?: AnsweredRequest | undefined;
}

/** The newest jobs, by id and by guest, kept across restarts. */
export class JobLog {
  readonly #collection: Collection<LoggedJob>;
  readonly #maxJobs: number;
  readonly #ids = new OrderedIds();
  readonly #idsByGuest = new Map<string, OrderedIds>();
  readonly #idsByKey = new Map<string, string>();
  /** What may be forgotten, in the order in which it ended. */
  readonly #finished = new Set<string>();
  /** What would be forgotten but for the client that may ask for it again. */
  readonly #requested = new Set<string>();
  /** What is forgotten, and still in the file. */
  readonly #forgotten: Eraser;
  readonly #listeners: ((logged: LoggedJob) => void)[] = [];

  private constructor(collection: Collection<LoggedJob>, maxJobs: number) {
    this.#collection = collection;
    this.#maxJobs = maxJobs;
    this.#forgotten = new Eraser((...ids) => collection.remove(...ids));
    for (const logged of collection.values()) {
      this.#index(logged);
      if (isFinished(logged.job)) this.#finished.add(logged.job.ID);
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
    { id = randomUUID(), request }: NewJobOptions = {},
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
    };
    const logged: LoggedJob = { job, task, stage: 0, ...(request ? { request } : {}) };
    await this.#collection.put(job.ID, logged);
    this.#index(logged);
    // As it was added: it may have been started in the same turn.
    this.#tell(logged);
    this.#prune();
    return job;
  }

  /** Has `listener` told of each change of a job, once that is on disk. */
  onChange(listener: (logged: LoggedJob) => void): void {
    this.#listeners.push(listener);
  }

  start(id: string): Promise<void> {
    return this.#change(id, (now) => ({ Status: 'Running', StartedAt: now }));
  }

  /**
   * @param answer what came of it
   * @param message what its owner should know about its success
   */
  async complete(id: string, answer?: unknown, message = ''): Promise<void> {
    await this.#change(
      id,
      () => ({ Status: 'Complete', Message: message }),
      () => ({ answer: JSON.stringify(answer ?? null) }),
    );
    this.#finished.add(id);
  }

  async fail(id: string, reason: string, kind: ErrorKind = 'bad_answer'): Promise<void> {
    await this.#change(
      id,
      () => ({ Status: 'Error', Message: reason }),
      () => ({ kind }),
    );
    this.#finished.add(id);
  }

  /** Notes the stage that a job is about to run: where it goes on after a restart. */
  async enterStage(id: string, stage: number): Promise<void> {
    await this.#update(id, (logged) => (logged.stage === stage ? logged : { ...logged, stage }));
  }

  /**
   * Records a running job's progress; a job that does not run stays as it is.
   * @param percent 0 to 100, where it is known
   */
  async note(id: string, message: string, percent?: number): Promise<void> {
    await this.#update(id, (logged) => {
      if (logged.job.Status !== 'Running') return logged;
      const { percent: _, ...rest } = logged;
      const job = { ...logged.job, Message: message };
      return percent === undefined ? { ...rest, job } : { ...rest, job, percent };
    });
  }

  /** @throws {AgentError} `not_found`, also when the job is another guest's */
  get(id: string, guestId?: string): Job {
    const job = this.#ids.has(id) ? this.#collection.get(id)?.job : undefined;
    if (!job || (guestId !== undefined && job.GuestID !== guestId)) throw jobNotFound(id);
    return job;
  }

  /** Whether there are jobs of a guest. */
  knows(guestId: string): boolean {
    return this.#idsByGuest.has(guestId);
  }

  /** The job that a request has led to. */
  findByKey(key: string): (LoggedJob & { request: AnsweredRequest }) | undefined {
    const logged = this.#collection.get(this.#idsByKey.get(key) ?? '');
    return logged?.request && { ...logged, request: logged.request };
  }

  /** All, newest first. */
  list({ guestId }: { guestId?: string } = {}): Job[] {
    return this.page(guestId === undefined ? {} : { guestId }).items;
  }

  /**
   * Newest first.
   * @param before the place that the page before it ended with
   */
  page({
    guestId,
    before,
    limit = Number.POSITIVE_INFINITY,
  }: {
    guestId?: string;
    before?: number | undefined;
    limit?: number | undefined;
  }): Page<Job> {
    const ids = guestId === undefined ? this.#ids : this.#idsByGuest.get(guestId);
    return ids ? readPage(ids, ids.before(before), limit, (id) => this.get(id)) : { items: [] };
  }

  /** What has not ended, in the order it is to go on in: what runs, then what waits, the oldest first. */
  unfinished(): LoggedJob[] {
    const logged = this.#collection.values().filter(({ job }) => !isFinished(job));
    const inStatus = (status: JobStatus): LoggedJob[] => logged.filter(({ job }) => job.Status === status);
    return [...inStatus('Running'), ...inStatus('Queued')];
  }

  /** Takes no more writes; resolves when those that were taken are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }

  #index({ job: { ID, GuestID }, request }: LoggedJob): void {
    const order = this.#collection.orderOf(ID) ?? 0;
    let ofGuest = this.#idsByGuest.get(GuestID);
    if (!ofGuest) {
      ofGuest = new OrderedIds();
      this.#idsByGuest.set(GuestID, ofGuest);
    }
    ofGuest.add(ID, order);
    this.#ids.add(ID, order);
    if (request) this.#idsByKey.set(request.key, ID);
  }

  async #change(
    id: string,
    change: (now: string) => Partial<Job>,
    outcome?: () => NonNullable<AnsweredRequest['outcome']>,
  ): Promise<void> {
    const now = new Date().toISOString();
    await this.#update(id, ({ percent: _, ...logged }) => ({
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
    // As this update made it: by now another one may have changed it further.
    if (updated && updated !== before) this.#tell(updated);
  }

  #tell(logged: LoggedJob): void {
    for (const listener of this.#listeners) listener(logged);
  }

  /**
   * Forgets the oldest finished jobs beyond the limit.
   * @param eraseAfter milliseconds until they are gone from the file as well
   */
  #prune(eraseAfter = 0): void {
    for (const id of this.#finished) {
      if (this.#ids.size - this.#requested.size <= this.#maxJobs) break;
      this.#finished.delete(id);
      if (this.#collection.get(id)?.request) this.#requested.add(id);
      else this.#forget(id);
    }
    for (const id of this.#requested) {
      const age = Date.now() - Date.parse(this.get(id).UpdatedAt);
      if (age < KEEP_REQUESTED_MS && this.#requested.size <= MAX_REQUESTED) break;
      this.#requested.delete(id);
      this.#forget(id);
    }
    this.#forgotten.begin(eraseAfter);
  }

  #forget(id: string): void {
    const logged = this.#collection.get(id);
    this.#ids.delete(id);
    this.#forgotten.add(id);
    if (!logged) return;
    const { job, request } = logged;
    const ofGuest = this.#idsByGuest.get(job.GuestID);
    ofGuest?.delete(id);
    if (ofGuest?.size === 0) this.#idsByGuest.delete(job.GuestID);
    // A newer job may have come by the same key.
    if (request && this.#idsByKey.get(request.key) === id) this.#idsByKey.delete(request.key);
  }
}
