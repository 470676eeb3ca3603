import { text } from 'node:stream/consumers';
import type { Job } from '../model/job.js';
import { Debug } from './debug.js';
import { type AgentEvent, type EventsOptions, followEvents } from './events.js';
import { Guests } from './guests.js';
import { Images, type ImagesFilter } from './images.js';
import { GuestJobs, Jobs } from './jobs.js';
import { MetadataOf } from './metadata.js';
import type { ClientOptions } from './options.js';
import { path } from './path.js';
import { Snapshots } from './snapshots.js';
import { type CallOptions, Transport } from './transport.js';
import { type WaitOptions, waitForJob } from './wait-for-job.js';

/** A client of the agent's REST API. Every method throws `MistifyError`. */
export class MistifyClient {
  readonly #transport: Transport;
  readonly guests: Guests;
  /** Of both stores, or of the one that `type` names. */
  readonly images: Images<ImagesFilter>;
  readonly containerImages: Images;
  readonly jobs: Jobs;
  /** The hypervisor's. */
  readonly metadata: MetadataOf;
  readonly debug: Debug;

  constructor(options: ClientOptions) {
    const transport = new Transport(options);
    this.#transport = transport;
    this.guests = new Guests(transport);
    this.images = new Images(transport, '/images');
    this.containerImages = new Images(transport, '/container_images');
    this.jobs = new Jobs(transport);
    this.metadata = new MetadataOf(transport, '/metadata');
    this.debug = new Debug(transport);
  }

  /** @param disk its number or its name in the guest; all disks by default */
  snapshotsOf(guestId: string, disk?: string): Snapshots {
    return new Snapshots(this.#transport, guestId, disk);
  }

  jobsOf(guestId: string): GuestJobs {
    return new GuestJobs(this.#transport, path`/guests/${guestId}/jobs`);
  }

  metadataOf(guestId: string): MetadataOf {
    return new MetadataOf(this.#transport, path`/guests/${guestId}/metadata`);
  }

  /**
   * Waits until a job has ended.
   * @throws {JobError} when it ended in `Error`
   */
  waitForJob(id: string, options?: WaitOptions): Promise<Job> {
    return waitForJob(this.jobs, id, options);
  }

  /** What happens on the host, for as long as it is asked for; see `followEvents`. */
  events(options?: EventsOptions): AsyncGenerator<AgentEvent, void, undefined> {
    return followEvents(this.#transport, options);
  }

  /** The counters of the agent and of all guests, in Prometheus' text format. */
  async metrics(options: CallOptions = {}): Promise<string> {
    return text(await this.#transport.open({ method: 'GET', path: '/metrics', ...options }));
  }

  /** Resolves when the agent lives. */
  async requireAlive(options?: CallOptions): Promise<void> {
    await this.#transport.get('/healthz', {}, options);
  }

  /**
   * Resolves when the agent can carry out actions.
   * @throws {MistifyError} 503, which says what is missing, once the retries are used up
   */
  async requireReady(options?: CallOptions): Promise<void> {
    await this.#transport.get('/readyz', {}, options);
  }

  /** The agent's description of its API: OpenAPI 3.1. */
  openApi(options?: CallOptions): Promise<Record<string, unknown>> {
    return this.#transport.get('/openapi.json', {}, options);
  }
}
