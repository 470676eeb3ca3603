import { randomUUID } from 'node:crypto';
import { jobNotFound } from '../errors.js';
import { isFinished, type Job, type JobStatus, NO_TIME } from '../model/job.js';
import { Collection, plainCodec } from './collection.js';
import type { Task } from './task.js';

export const DEFAULT_MAX_JOBS = 1000;
/** Old jobs are removed from the file this many at a time. */
const PRUNE_BATCH = 100;

/** A job with what is needed to go on with it after a restart. */
export interface LoggedJob {
  job: Job;
  task: Task;
  /** The stage of its pipeline that it is at, from 0. */
  stage: number;
}

/** The newest jobs, by id and by guest, kept across restarts. */
export class JobLog {
  readonly #collection: Collection<LoggedJob>;
  readonly #maxJobs: number;
  /** Oldest first. */
  readonly #ids = new Set<string>();
  readonly #idsByGuest = new Map<string, Set<string>>();
  readonly #pruned: string[] = [];

  private constructor(collection: Collection<LoggedJob>, maxJobs: number) {
    this.#collection = collection;
    this.#maxJobs = maxJobs;
    for (const { job } of collection.values()) this.#index(job);
  }

  static async open(filename: string, maxJobs = DEFAULT_MAX_JOBS): Promise<JobLog> {
    const log = new JobLog(await Collection.open(filename, plainCodec<LoggedJob>()), maxJobs);
    await log.#prune();
    return log;
  }

  /**
   * Logs a new job as queued; it is on disk when this resolves.
   * @param id a UUID
   */
  async add(guestId: string, action: string, task: Task, id: string = randomUUID()): Promise<Job> {
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
    await this.#collection.put(job.ID, { job, task, stage: 0 });
    this.#index(job);
    await this.#prune();
    return job;
  }

  start(id: string): Promise<void> {
    return this.#change(id, (now) => ({ Status: 'Running', StartedAt: now }));
  }

  complete(id: string, message = ''): Promise<void> {
    return this.#change(id, () => ({ Status: 'Complete', Message: message }));
  }

  fail(id: string, reason: string): Promise<void> {
    return this.#change(id, () => ({ Status: 'Error', Message: reason }));
  }

  /** Notes the stage that a job is about to run: where it goes on after a restart. */
  async enterStage(id: string, stage: number): Promise<void> {
    await this.#collection.update(id, (logged) => (logged.stage === stage ? logged : { ...logged, stage }));
  }

  /** Says how far a job has come; one that does not run is left as it is. */
  async note(id: string, message: string): Promise<void> {
    await this.#collection.update(id, (logged) =>
      logged.job.Status === 'Running' ? { ...logged, job: { ...logged.job, Message: message } } : logged,
    );
  }

  /** @throws {AgentError} `not_found`, also when the job is another guest's */
  get(id: string, guestId?: string): Job {
    const job = this.#ids.has(id) ? this.#collection.get(id)?.job : undefined;
    if (!job || (guestId !== undefined && job.GuestID !== guestId)) throw jobNotFound(id);
    return job;
  }

  /** Newest first. */
  list({ guestId, limit = Number.POSITIVE_INFINITY }: { guestId?: string; limit?: number } = {}): Job[] {
    const ids = [...(guestId === undefined ? this.#ids : (this.#idsByGuest.get(guestId) ?? []))];
    const newest = ids.slice(-Math.min(limit, ids.length)).reverse();
    return limit <= 0 ? [] : newest.map((id) => this.get(id));
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

  #index({ ID, GuestID }: Job): void {
    this.#ids.add(ID);
    const ofGuest = this.#idsByGuest.get(GuestID);
    if (ofGuest) ofGuest.add(ID);
    else this.#idsByGuest.set(GuestID, new Set([ID]));
  }

  async #change(id: string, change: (now: string) => Partial<Job>): Promise<void> {
    const now = new Date().toISOString();
    await this.#collection.update(id, (logged) => ({
      ...logged,
      job: { ...logged.job, ...change(now), UpdatedAt: now },
    }));
  }

  /** Forgets the oldest finished jobs beyond the limit. */
  async #prune(): Promise<void> {
    for (const id of this.#ids) {
      if (this.#ids.size <= this.#maxJobs) break;
      const job = this.#collection.get(id)?.job;
      if (job && !isFinished(job)) continue;
      this.#ids.delete(id);
      const ofGuest = job && this.#idsByGuest.get(job.GuestID);
      ofGuest?.delete(id);
      if (job && ofGuest?.size === 0) this.#idsByGuest.delete(job.GuestID);
      this.#pruned.push(id);
    }
    if (this.#pruned.length >= PRUNE_BATCH) await this.#collection.remove(...this.#pruned.splice(0));
  }
}
