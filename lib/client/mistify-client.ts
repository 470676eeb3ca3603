import { setTimeout as delay } from 'node:timers/promises';
import axios, { type AxiosInstance, isAxiosError } from 'axios';
import type { GuestAction } from '../config/actions.js';
import type { Guest } from '../model/guest.js';
import type { Image, ImageFetch } from '../model/image.js';
import { isFinished, type Job } from '../model/job.js';
import type { CpuMetrics, DiskMetrics, NicMetrics } from '../model/metrics.js';
import type { Snapshot } from '../model/snapshot.js';

const JOB_ID_HEADER = 'x-guest-job-id';
const POLL_MS = 100;

/** What the agent said was wrong, in its own words. */
export class MistifyError extends Error {
  /** HTTP status; 0 when the agent could not be reached. */
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MistifyError';
    this.status = status;
  }
}

/** An action that was accepted: follow its job with `waitForJob`. */
export interface Accepted<Body> {
  jobId: string;
  body: Body;
}

/** What may be asked of a new guest. */
export type GuestSpec = {
  [Key in Exclude<keyof Guest, 'nics' | 'disks' | 'state' | 'vnc'>]?: Guest[Key];
} & {
  nics?: Partial<NonNullable<Guest['nics']>[number]>[];
  disks?: Partial<NonNullable<Guest['disks']>[number]>[];
};

const toMistifyError = (error: unknown): unknown => {
  if (!isAxiosError(error)) return error;
  if (!error.response)
    return new MistifyError(0, `the agent cannot be reached: ${error.message}`, { cause: error });
  const { message } = (error.response.data ?? {}) as { message?: string };
  return new MistifyError(error.response.status, message ?? error.message, { cause: error });
};

/** A client of the agent's REST API. Every method throws `MistifyError`. */
export class MistifyClient {
  readonly #http: AxiosInstance;

  /** @param baseUrl such as `http://127.0.0.1:8080` */
  constructor(baseUrl: string) {
    this.#http = axios.create({ baseURL: baseUrl, proxy: false });
    this.#http.interceptors.response.use(undefined, (error: unknown) =>
      Promise.reject(toMistifyError(error)),
    );
  }

  listGuests(): Promise<Guest[]> {
    return this.#get('/guests');
  }

  getGuest(id: string): Promise<Guest> {
    return this.#get(`/guests/${id}`);
  }

  createGuest(spec: GuestSpec): Promise<Accepted<Guest>> {
    return this.#post('/guests', spec);
  }

  performAction(id: string, action: GuestAction): Promise<Accepted<Guest>> {
    return this.#post(`/guests/${id}/${action}`);
  }

  cpuMetrics(id: string): Promise<CpuMetrics[]> {
    return this.#get(`/guests/${id}/metrics/cpu`);
  }

  diskMetrics(id: string): Promise<Record<string, DiskMetrics>> {
    return this.#get(`/guests/${id}/metrics/disk`);
  }

  nicMetrics(id: string): Promise<Record<string, NicMetrics>> {
    return this.#get(`/guests/${id}/metrics/nic`);
  }

  listImages(): Promise<Image[]> {
    return this.#get('/images');
  }

  fetchImage(fetch: ImageFetch): Promise<Accepted<unknown>> {
    return this.#post('/images', fetch);
  }

  async deleteImage(id: string): Promise<Accepted<unknown>> {
    const { data, headers } = await this.#http.delete(`/images/${encodeURIComponent(id)}`);
    return { jobId: String(headers[JOB_ID_HEADER]), body: data };
  }

  listSnapshots(guestId: string): Promise<Snapshot[]> {
    return this.#get(`/guests/${guestId}/snapshots`);
  }

  createSnapshot(guestId: string, name: string): Promise<Accepted<unknown>> {
    return this.#post(`/guests/${guestId}/snapshots`, { dest: name });
  }

  rollbackSnapshot(guestId: string, name: string): Promise<Accepted<unknown>> {
    return this.#post(`/guests/${guestId}/snapshots/${name}/rollback`, {});
  }

  /** Newest first; of all guests when none is named. */
  listJobs(guestId?: string): Promise<Job[]> {
    return this.#get(guestId === undefined ? '/jobs' : `/guests/${guestId}/jobs`);
  }

  getJob(id: string): Promise<Job> {
    return this.#get(`/jobs/${id}`);
  }

  /**
   * Waits until a job has ended.
   * @param onChange is told each time the job's status or message is another
   * @throws {MistifyError} with the job's message, when it ended in `Error`
   */
  async waitForJob(id: string, onChange?: (job: Job) => void): Promise<Job> {
    let seen = '';
    for (;;) {
      const job = await this.getJob(id);
      const now = `${job.Status} ${job.Message}`;
      if (now !== seen) onChange?.(job);
      seen = now;
      if (job.Status === 'Error') throw new MistifyError(200, `${job.Action}: ${job.Message}`);
      if (isFinished(job)) return job;
      await delay(POLL_MS);
    }
  }

  async #get<Body>(path: string): Promise<Body> {
    return (await this.#http.get<Body>(path)).data;
  }

  async #post<Body>(path: string, payload?: unknown): Promise<Accepted<Body>> {
    const { data, headers } = await this.#http.post<Body>(path, payload);
    return { jobId: String(headers[JOB_ID_HEADER]), body: data };
  }
}
