import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EventLog } from '../events/event-log.js';
import type { Room } from '../files/room.js';
import type { Guest } from '../model/guest.js';
import type { GuestAddress } from '../model/guest-addresses.js';
import { isFinished } from '../model/job.js';
import type { GuestMetrics } from '../model/metrics.js';
import { QUOTA_RESOURCES } from '../runtime/guests/usage.js';
import type { Runtime } from '../runtime/runtime.js';
import type { ScheduleChange } from '../runtime/schedules/schedule-clock.js';
import type { Schedules } from '../runtime/schedules/schedules.js';
import type { LoggedJob } from '../store/logged-job.js';
import { BackupMetrics } from './backups.js';
import { type CollectedCounters, CounterCollector } from './counter-collector.js';
import { GuestCounterMetrics } from './guest-counters.js';
import { GuestInfoMetrics } from './guest-info.js';
import { guestLabels } from './guest-labels.js';
import { GuestProgramMetrics } from './guest-programs.js';
import { processMetrics } from './process-metrics.js';
import { ScheduleMetrics } from './schedules.js';
import { ServiceMetrics, type ServiceMetricsOptions } from './services.js';
import { StorageSpaceMetrics } from './storage-space.js';

/** Bucket bounds in seconds, from a quick call to a sub-agent to the fetch of an image. */
const SECONDS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300, 1800];

export interface MetricsOptions extends ServiceMetricsOptions {
  runtime: Runtime;
  schedules: Schedules;
  events: EventLog;
  /** Returns the known addresses of a guest, the best source first. */
  addresses: (guest: Guest) => readonly GuestAddress[];
  /** The room on the device of the agent's state. */
  stateRoom: () => Promise<Room>;
}

/** The metrics of the agent and its guests, for Prometheus. */
export class Metrics {
  readonly #runtime: Runtime;
  readonly #schedules: Schedules;
  readonly #events: EventLog;
  readonly #addresses: MetricsOptions['addresses'];
  readonly #stateRoom: MetricsOptions['stateRoom'];
  readonly #registry = new Registry();
  readonly #guestCounters = new GuestCounterMetrics(this.#registry);
  readonly #guestInfo = new GuestInfoMetrics(this.#registry);
  readonly #guestPrograms = new GuestProgramMetrics(this.#registry);
  readonly #scheduleMetrics = new ScheduleMetrics(this.#registry);
  readonly #collector: CounterCollector;
  readonly #storageSpace: StorageSpaceMetrics;
  readonly #backups: BackupMetrics;
  readonly #serviceMetrics: ServiceMetrics;
  /** The guests' counters that the registry has. */
  #registered: CollectedCounters | undefined;

  readonly #jobs = new Counter({
    name: 'mistify_jobs_total',
    help: 'Jobs that ended since the agent started',
    labelNames: ['action', 'status'],
    registers: [this.#registry],
  });
  readonly #jobSeconds = new Histogram({
    name: 'mistify_job_duration_seconds',
    help: 'Time from the start of a job to its end',
    labelNames: ['action'],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #callSeconds = new Histogram({
    name: 'mistify_stage_duration_seconds',
    help: 'Duration of calls to sub-agents',
    labelNames: ['service', 'method', 'outcome'],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #httpSeconds = new Histogram({
    name: 'mistify_http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its response',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name, help, labelNames, registers: [this.#registry] });
  readonly #queued = this.#gauge('mistify_jobs_queued', 'Jobs that wait in a queue');
  readonly #running = this.#gauge('mistify_jobs_running', 'Running jobs');
  readonly #readers = this.#gauge('mistify_event_readers', 'Clients that follow the event stream');
  readonly #guests = this.#gauge('mistify_guests', 'Guests, by state', ['state']);
  readonly #stateSize = this.#gauge('mistify_state_size_bytes', "Size of the disk of the agent's state");
  readonly #stateFree = this.#gauge('mistify_state_free_bytes', "Free space for the agent's state");
  readonly #stateWritable = this.#gauge(
    'mistify_state_writable',
    "Whether the disk of the agent's state is mounted for writing",
  );
  readonly #quotaLimit = this.#gauge(
    'mistify_quota_limit',
    'The most that the guests may have together, by resource; memory and disk in MB',
    ['resource'],
  );
  readonly #quotaUsed = this.#gauge(
    'mistify_quota_used',
    'What the guests have together of a resource with a limit',
    ['resource'],
  );
  readonly #starts = new Counter({
    name: 'mistify_automatic_starts_total',
    help: 'Starts of guests by the agent itself: after a boot of the host (autostart), or after a failure (restart)',
    labelNames: ['cause', 'outcome'],
    registers: [this.#registry],
  });
  readonly #countersUp = this.#gauge(
    'mistify_guest_metrics_up',
    "Whether the guests' counters could be collected, by the action that collects them",
    ['action'],
  );

  constructor({ runtime, schedules, events, addresses, stateRoom, ...services }: MetricsOptions) {
    this.#runtime = runtime;
    this.#schedules = schedules;
    this.#collector = new CounterCollector(runtime);
    this.#storageSpace = new StorageSpaceMetrics(runtime, this.#registry);
    this.#backups = new BackupMetrics(runtime, this.#registry);
    this.#serviceMetrics = new ServiceMetrics(this.#registry, services);
    this.#events = events;
    this.#addresses = addresses;
    this.#stateRoom = stateRoom;
    runtime.jobs.onChange((logged) => this.#observeJob(logged));
  }

  /** Counts a start of a guest that no client asked for. */
  countStart(cause: 'autostart' | 'restart', outcome: 'success' | 'error'): void {
    this.#starts.inc({ cause, outcome });
  }

  /** Counts what came of a run of a schedule. */
  observeSchedule(change: ScheduleChange): void {
    this.#scheduleMetrics.observe(change);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Counts a call to a sub-agent. */
  observeCall(
    labels: { service: string; method: string; outcome: 'success' | 'error' },
    seconds: number,
  ): void {
    this.#callSeconds.observe(labels, seconds);
  }

  /**
   * Counts an HTTP request.
   * @param labels `route` has its parameters in braces, so that all guests share one time series
   */
  observeRequest(labels: { method: string; route: string; status: number }, seconds: number): void {
    this.#httpSeconds.observe(labels, seconds);
  }

  /** Renders all metrics in Prometheus' text format. Guests of a sub-agent that does not respond are left out. */
  async text(): Promise<string> {
    const [counters, , room] = await Promise.all([
      this.#collector.latest(),
      this.#storageSpace.update(),
      this.#stateRoom(),
    ]);
    this.#stateSize.set(room.sizeBytes);
    this.#stateFree.set(room.freeBytes);
    this.#stateWritable.set(room.isReadOnly ? 0 : 1);
    this.#setGauges();
    if (counters !== this.#registered) this.#setCounters(counters);
    return `${await processMetrics().metrics()}\n${await this.#registry.metrics()}`;
  }

  /** Returns the counters of all guests that have any; they are at most a second old. */
  async guests(): Promise<GuestMetrics[]> {
    const { time, guests } = await this.#collector.latest();
    return guests.map((counters) => ({ ...counters, time }));
  }

  #observeJob({ job }: LoggedJob): void {
    if (!isFinished(job)) return;
    this.#jobs.inc({ action: job.Action, status: job.Status });
    const seconds = (Date.parse(job.UpdatedAt) - Date.parse(job.StartedAt)) / 1000;
    const wasStarted = Date.parse(job.StartedAt) > 0;
    if (wasStarted) this.#jobSeconds.observe({ action: job.Action }, Math.max(0, seconds));
  }

  #setGauges(): void {
    const { waiting, running } = this.#runtime.load();
    this.#queued.set(waiting);
    this.#running.set(running);
    this.#readers.set(this.#events.readers);
    this.#guests.reset();
    const guests = this.#runtime.guests.list();
    for (const { state = '' } of guests) this.#guests.inc({ state });
    this.#guestInfo.set(guests, this.#addresses);
    this.#guestPrograms.set(guests);
    this.#scheduleMetrics.set(this.#schedules, this.#runtime.guests);
    this.#backups.set(guests);
    this.#serviceMetrics.set();
    const [limits, usage] = [this.#runtime.quota.limits(), this.#runtime.quota.usage()];
    for (const resource of QUOTA_RESOURCES) {
      if (limits[resource] === undefined) continue;
      this.#quotaLimit.set({ resource }, limits[resource]);
      this.#quotaUsed.set({ resource }, usage[resource]);
    }
    // Without their number, which the storage would have to count at each scrape.
    const { snapshots } = this.#runtime.quota.config;
    if (snapshots !== undefined) this.#quotaLimit.set({ resource: 'snapshots' }, snapshots);
  }

  #setCounters(counters: CollectedCounters): void {
    this.#registered = counters;
    for (const [action, isUp] of counters.responded) this.#countersUp.set({ action }, isUp ? 1 : 0);
    this.#guestCounters.set(counters.guests, (id) => {
      const guest = this.#runtime.guests.find(id);
      return guest && guestLabels(guest);
    });
  }
}
