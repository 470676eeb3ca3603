import { Counter, Gauge, type Registry } from 'prom-client';

export interface ServiceMetricsOptions {
  /** Returns whether each service's sub-agent responds, by the service's name. */
  services: () => ReadonlyMap<string, boolean>;
  /** What the sub-agents could not do and retry, by the name of a service. */
  problems: () => ReadonlyMap<string, readonly string[]>;
  /** Counts how often the agent started a service again, by the service's name and the cause. */
  restarts: () => ReadonlyMap<string, Readonly<Record<'exited' | 'hung', number>>>;
  /** Counts the calls of each service, by name. */
  calls: () => Iterable<readonly [string, { running: number; waiting: number }]>;
}

/** The metrics of the services: whether their sub-agents respond, and how much they have to do. */
export class ServiceMetrics {
  readonly #options: ServiceMetricsOptions;
  readonly #up: Gauge;
  readonly #problems: Gauge;
  readonly #running: Gauge;
  readonly #waiting: Gauge;
  readonly #restarts: Counter;

  constructor(registry: Registry, options: ServiceMetricsOptions) {
    this.#options = options;
    const gauge = (name: string, help: string): Gauge =>
      new Gauge({ name, help, labelNames: ['service'], registers: [registry] });
    this.#up = gauge('mistify_service_up', 'Whether the sub-agent of a service responds');
    this.#problems = gauge(
      'mistify_service_problems',
      'What the sub-agent of a service could not do and retries; /readyz has them in words',
    );
    this.#running = gauge('mistify_service_calls_running', 'Calls to a service that are running');
    this.#waiting = gauge('mistify_service_calls_waiting', 'Calls that wait until a service has room');
    this.#restarts = new Counter({
      name: 'mistify_service_restarts_total',
      help: 'How often the agent started a service again: after it exited, or after the agent ended it because it hung',
      labelNames: ['service', 'cause'],
      registers: [registry],
    });
  }

  /** Sets the metrics to what the services are now. */
  set(): void {
    const problems = this.#options.problems();
    for (const [service, isUp] of this.#options.services()) {
      this.#up.set({ service }, isUp ? 1 : 0);
      this.#problems.set({ service }, problems.get(service)?.length ?? 0);
    }
    this.#restarts.reset();
    for (const [service, { exited, hung }] of this.#options.restarts()) {
      this.#restarts.inc({ service, cause: 'exited' }, exited);
      this.#restarts.inc({ service, cause: 'hung' }, hung);
    }
    for (const [service, { running, waiting }] of this.#options.calls()) {
      this.#running.set({ service }, running);
      this.#waiting.set({ service }, waiting);
    }
  }
}
