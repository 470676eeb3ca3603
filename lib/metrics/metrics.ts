import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { errorMessage } from '../errors.js';
import type { EventLog } from '../events/event-log.js';
import { isFinished } from '../model/job.js';
import { type AllMetricsResponse, allMetricsResponseSchema, type GuestCounters } from '../rpc/messages.js';
import { requireShape } from '../runtime/pipeline.js';
import type { Runtime } from '../runtime/runtime.js';
import type { LoggedJob } from '../store/job-log.js';
import { GuestCounterMetrics } from './guest-counters.js';
import { processMetrics } from './process-metrics.js';

/** Those who scrape at the same time share what the sub-agents answered. */
const FRESH_MS = 1000;
/** A sub-agent that hangs must not have Prometheus give up the scrape, which it does after 10 seconds. */
const ANSWER_MS = 3000;
const ACTIONS = ['allMetrics', 'containerAllMetrics'] as const;
/** The runner of what is asked for no guest in particular. */
const RUNNER = 'agent';
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
  #collected: { at: number; done: Promise<void> } | undefined;

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
    if (!this.#collected || performance.now() - this.#collected.at > FRESH_MS)
      this.#collected = { at: performance.now(), done: this.#collect() };
    await this.#collected.done;
    return `${await processMetrics().metrics()}\n${await this.#registry.metrics()}`;
  }

  #noteJob({ job }: LoggedJob): void {
    if (!isFinished(job)) return;
    this.#jobs.inc({ action: job.Action, status: job.Status });
    const seconds = (Date.parse(job.UpdatedAt) - Date.parse(job.StartedAt)) / 1000;
    const wasStarted = Date.parse(job.StartedAt) > 0;
    if (wasStarted) this.#jobSeconds.observe({ action: job.Action }, Math.max(0, seconds));
  }

  async #collect(): Promise<void> {
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
    const counters = await Promise.all(ACTIONS.map((action) => this.#ask(action)));
    this.#guestCounters.set(counters.flat().filter(({ guest }) => this.#runtime.guests.find(guest)));
  }

  /** All guests of a sub-agent with one call. */
  async #ask(name: (typeof ACTIONS)[number]): Promise<GuestCounters[]> {
    if (!this.#runtime.isConfigured(name)) return [];
    try {
      const { answer } = await this.#runtime.query<object, AllMetricsResponse>(
        RUNNER,
        this.#runtime.action(name),
        {
          request: () => ({}),
          answered: requireShape(allMetricsResponseSchema),
        },
        AbortSignal.timeout(ANSWER_MS),
      );
      this.#countersUp.set({ action: name }, 1);
      return answer?.guests ?? [];
    } catch (error) {
      this.#runtime.log.debug(`${name}: ${errorMessage(error)}`);
      this.#countersUp.set({ action: name }, 0);
      return [];
    }
  }
}
