import type { Job } from '../model/job.js';
import { List } from './pages.js';
import { path } from './path.js';
import type { ChangeOptions } from './submit.js';
import type { CallOptions, Transport } from './transport.js';

/** The jobs of one guest, newest first. */
export class GuestJobs extends List<Job> {
  readonly #transport: Transport;
  readonly #path: string;

  constructor(transport: Transport, base: string) {
    super(transport, base);
    this.#transport = transport;
    this.#path = base;
  }

  get(id: string, options?: CallOptions): Promise<Job> {
    return this.#transport.get(this.#path + path`/${id}`, {}, options);
  }
}

/** All jobs, newest first. */
export class Jobs extends GuestJobs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    super(transport, '/jobs');
    this.#transport = transport;
  }

  /**
   * Cancels a queued or running job, and returns it.
   * @throws {MistifyError} 409 when the job has already ended
   */
  async cancel(id: string, { dryRun, signal }: ChangeOptions = {}): Promise<Job> {
    const call = { path: path`/jobs/${id}`, query: { dryRun }, signal };
    return (await this.#transport.send<Job>({ method: 'DELETE', ...call })).body;
  }
}
