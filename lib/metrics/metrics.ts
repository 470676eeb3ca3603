import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EventLog } from '../events/event-log.js';
import { isFinished } from '../model/job.js';
import type { GuestMetrics } from '../model/metrics.js';
import type { Runtime } from '../runtime/runtime.js';
import type { LoggedJob } from '../store/logged-job.js';
import { CounterGathering, type Gathered } from './gathering.js';
import { GuestCounterMetrics } from './guest-counters.js';
import { processMetrics } from './process-metrics.js';

/** From a call to a sub-agent that is quick to the fetch of an image, in seconds. */
const SECONDS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300, 1800];

export interface MetricsOptions {
  runtime: Runtime;
  events: EventLog;
  /** Whether each service's sub-agent answers, by name. */
  services: () => ReadonlyMap<string, boolean>;
  /** The calls of each service, by name. */
  calls: () => Iterable<readonly [string, { running: number; waiting: number }]>;
}

/** What is counted of the agent and of its guests, for Prometheus. */
export class Metrics {
  readonly #runtime: Runtime;
  readonly #events: EventLog;
  readonly #services: MetricsOptions['services'];
  readonly #calls: MetricsOptions['calls'];
  readonly #registry = new Registry();
  readonly #guestCounters = new GuestCounterMetrics(this.#registry);
  readonly #gathering: CounterGathering;
  /** What the registry has of the guests' counters. */
  #noted: Gathered | undefined;

  readonly #jobs = new Counter({
    name: 'mistify_jobs_total',
    help: 'Jobs that have ended since the agent was started',
    labelNames: ['action', 'status'],
    registers: [this.#registry],
  });
  readonly #jobSeconds = new Histogram({
    name: 'mistify_job_duration_seconds',
    help: 'From the start of a job to its end',
    labelNames: ['action'],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #callSeconds = new Histogram({
    name: 'mistify_stage_duration_seconds',
    help: 'Calls to sub-agents',
    labelNames: ['service', 'method', 'outcome'],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #httpSeconds = new Histogram({
    name: 'mistify_http_request_duration_seconds',
    help: 'Requests, from their arrival to the end of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
    registers: [this.#registry],
  });
  readonly #gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name, help, labelNames, registers: [this.#registry] });
  readonly #queued = this.#gauge('mistify_jobs_queued', 'Jobs that wait');
  readonly #running = this.#gauge('mistify_jobs_running', 'Jobs that run');
  readonly #readers = this.#gauge('mistify_event_readers', 'Clients that follow the events');
  readonly #guests = this.#gauge('mistify_guests', 'Guests, by state', ['state']);
  readonly #serviceUp = this.#gauge('mistify_service_up', 'Whether the sub-agent of a service answers', [
    'service',
  ]);
  readonly #callsRunning = this.#gauge(
    'mistify_service_calls_running',
    'Calls that a service has been given',
    ['service'],
  );
  readonly #callsWaiting = this.#gauge(
    'mistify_service_calls_waiting',
    'Calls that wait until a service has room for them',
    ['service'],
  );
  readonly #countersUp = this.#gauge(
    'mistify_guest_metrics_up',
    "Whether guests' counters could be collected, by the action that does it",
    ['action'],
  );

  constructor({ runtime, events, services, calls }: MetricsOptions) {
    this.#runtime = runtime;
    this.#gathering = new CounterGathering(runtime);
    this.#events = events;
    this.#services = services;
    this.#calls = calls;
    runtime.jobs.onChange((logged) => this.#noteJob(logged));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** A call to a sub-agent. */
  noteCall(labels: { service: string; method: string; outcome: 'success' | 'error' }, seconds: number): void {
    this.#callSeconds.observe(labels, seconds);
  }

  /** @param labels `route` with its parameters in braces: one time series for all the guests */
  noteRequest(labels: { method: string; route: string; status: number }, seconds: number): void {
    this.#httpSeconds.observe(labels, seconds);
  }

  /** In Prometheus' text format. Sub-agents that do not answer make it shorter, never an error. */
  async text(): Promise<string> {
    const gathered = await this.#gathering.latest();
    this.#noteState();
    if (gathered !== this.#noted) this.#noteCounters(gathered);
    return `${await processMetrics().metrics()}\n${await this.#registry.metrics()}`;
  }

  /** The counters of all guests that have any, as they were at most a second ago. */
  async guests(): Promise<GuestMetrics[]> {
    const { time, guests } = await this.#gathering.latest();
    return guests.map((counters) => ({ ...counters, time }));
  }

  #noteJob({ job }: LoggedJob): void {
    if (!isFinished(job)) return;
    this.#jobs.inc({ action: job.Action, status: job.Status });
    const seconds = (Date.parse(job.UpdatedAt) - Date.parse(job.StartedAt)) / 1000;
    const wasStarted = Date.parse(job.StartedAt) > 0;
    if (wasStarted) this.#jobSeconds.observe({ action: job.Action }, Math.max(0, seconds));
  }

  #noteState(): void {
    const { waiting, running } = this.#runtime.load();
    this.#queued.set(waiting);
    this.#running.set(running);
    this.#readers.set(this.#events.readers);
    this.#guests.reset();
    for (const { state = '' } of this.#runtime.guests.list()) this.#guests.inc({ state });
    for (const [service, isUp] of this.#services()) this.#serviceUp.set({ service }, isUp ? 1 : 0);
    for (const [service, { running, waiting }] of this.#calls()) {
      this.#callsRunning.set({ service }, running);
      this.#callsWaiting.set({ service }, waiting);
    }
  }

  #noteCounters(gathered: Gathered): void {
    this.#noted = gathered;
    for (const [action, isUp] of gathered.answered) this.#countersUp.set({ action }, isUp ? 1 : 0);
    this.#guestCounters.set(gathered.guests);
  }
}
