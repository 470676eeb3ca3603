import { text } from 'node:stream/consumers';
import type { AuditFilter, AuditRecord } from '../model/audit.js';
import type { CatalogueListing, CatalogueQuery } from '../model/catalogue.js';
import type { History, HistoryRange } from '../model/history.js';
import type { HostNetworks } from '../model/host-networks.js';
import type { Job } from '../model/job.js';
import type { AccessInfo } from '../model/principal.js';
import type { ServiceStatus } from '../model/service-status.js';
import type { StorageSpace } from '../model/storage-space.js';
import { AgentOf } from './agent-of.js';
import { Backups, GuestBackups } from './backups.js';
import { ContainerImages } from './container-images.js';
import { Debug } from './debug.js';
import { DiskImages } from './disk-images.js';
import { type AgentEvent, type EventsOptions, followEvents } from './events.js';
import { Guests } from './guests.js';
import { Host } from './host.js';
import { Hosts } from './hosts.js';
import { GuestJobs, Jobs } from './jobs.js';
import { MetadataOf } from './metadata.js';
import { GuestNics } from './nics.js';
import type { ClientOptions } from './options.js';
import { List } from './pages.js';
import { path } from './path.js';
import { Schedules } from './schedules.js';
import { Snapshots } from './snapshots.js';
import { type CallOptions, Transport } from './transport.js';
import { VolumeBackups } from './volume-backups.js';
import { Volumes } from './volumes.js';
import { type WaitOptions, waitForJob } from './wait-for-job.js';

/** A client of the agent's REST API. Every method throws `MistifyError`. */
export class MistifyClient {
  readonly #transport: Transport;
  readonly guests: Guests;
  readonly host: Host;
  /** The hosts of the fleet. */
  readonly hosts: Hosts;
  /** Disk and container images. */
  readonly images: DiskImages;
  readonly containerImages: ContainerImages;
  /** The named volumes of containers. */
  readonly volumes: Volumes;
  readonly volumeBackups: VolumeBackups;
  readonly jobs: Jobs;
  /** Who changed what, newest first. */
  readonly audit: List<AuditRecord, AuditFilter>;
  /** The backups in the repository. */
  readonly backups: Backups;
  readonly schedules: Schedules;
  /** The metadata of the hypervisor. */
  readonly metadata: MetadataOf;
  readonly debug: Debug;

  constructor(options: ClientOptions) {
    const transport = new Transport(options);
    this.#transport = transport;
    this.guests = new Guests(transport);
    this.host = new Host(transport);
    this.hosts = new Hosts(transport);
    this.images = new DiskImages(transport);
    this.containerImages = new ContainerImages(transport);
    this.volumes = new Volumes(transport);
    this.volumeBackups = new VolumeBackups(transport);
    this.jobs = new Jobs(transport);
    this.audit = new List<AuditRecord, AuditFilter>(transport, '/audit');
    this.backups = new Backups(transport);
    this.schedules = new Schedules(transport);
    this.metadata = new MetadataOf(transport, '/metadata');
    this.debug = new Debug(transport);
  }

  /** @param disk the disk's number or device name; all disks by default */
  snapshotsOf(guestId: string, disk?: string): Snapshots {
    return new Snapshots(this.#transport, guestId, disk);
  }

  backupsOf(guestId: string): GuestBackups {
    return new GuestBackups(this.#transport, guestId);
  }

  nicsOf(guestId: string): GuestNics {
    return new GuestNics(this.#transport, guestId);
  }

  jobsOf(guestId: string): GuestJobs {
    return new GuestJobs(this.#transport, path`/guests/${guestId}/jobs`);
  }

  /** The guest agent of a virtual machine. */
  agentOf(guestId: string): AgentOf {
    return new AgentOf(this.#transport, guestId);
  }

  metadataOf(guestId: string): MetadataOf {
    return new MetadataOf(this.#transport, path`/guests/${guestId}/metadata`);
  }

  /**
   * Polls a job until it has ended.
   * @throws {JobError} when the job ended in `Error`
   */
  waitForJob(id: string, options?: WaitOptions): Promise<Job> {
    return waitForJob(this.jobs, id, options);
  }

  /** Yields the host's events until `signal` aborts; see `followEvents`. */
  events(options?: EventsOptions): AsyncGenerator<AgentEvent, void, undefined> {
    return followEvents(this.#transport, options);
  }

  /** Returns the space of the storage of images and disks, in MB. */
  storage(options?: CallOptions): Promise<StorageSpace> {
    return this.#transport.get('/storage', {}, options);
  }

  /** Returns the images that can be fetched by name, and the sources of the catalogue. */
  catalogue(query: CatalogueQuery = {}, options?: CallOptions): Promise<CatalogueListing> {
    return this.#transport.get('/catalogue', { ...query }, options);
  }

  /** Returns the networks that the NICs of guests can name, and what could not be listed. */
  networks(options?: CallOptions): Promise<HostNetworks> {
    return this.#transport.get('/networks', {}, options);
  }

  /** Returns the name of this client's token or certificate, and what it may do. */
  access(options?: CallOptions): Promise<AccessInfo> {
    return this.#transport.get('/access', {}, options);
  }

  /** Returns the load of a guest over the last hour, day or month. */
  historyOf(guestId: string, range: HistoryRange = 'hour', options?: CallOptions): Promise<History> {
    return this.#transport.get(path`/guests/${guestId}/history`, { range }, options);
  }

  /** Returns the services of the sub-agents, and why those that are down do not respond. */
  services(options?: CallOptions): Promise<ServiceStatus[]> {
    return this.#transport.get('/services', {}, options);
  }

  /** Returns the metrics of the agent and of all guests, in Prometheus' text format. */
  async metrics(options: CallOptions = {}): Promise<string> {
    return text(await this.#transport.open({ method: 'GET', path: '/metrics', ...options }));
  }

  /** Resolves if the agent is alive. */
  async requireAlive(options?: CallOptions): Promise<void> {
    await this.#transport.get('/healthz', {}, options);
  }

  /**
   * Resolves once the agent can run actions.
   * @throws {MistifyError} 503 with what is missing, after the last retry
   */
  async requireReady(options?: CallOptions): Promise<void> {
    await this.#transport.get('/readyz', {}, options);
  }

  /** Returns the OpenAPI 3.1 document of the API. */
  openApi(options?: CallOptions): Promise<Record<string, unknown>> {
    return this.#transport.get('/openapi.json', {}, options);
  }
}
