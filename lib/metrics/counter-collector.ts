import { errorMessage } from '../errors.js';
import { AGENT_RUNNER } from '../model/job.js';
import {
  type AllMetricsResponse,
  allMetricsResponseSchema,
  type GuestCounters,
} from '../rpc/protocol/metrics-messages.js';
import { requireShape } from '../runtime/pipeline/pipeline.js';
import type { Runtime } from '../runtime/runtime.js';

/** Callers within this time share one collection. */
export const FRESH_MS = 1000;
/** A hanging sub-agent must not make Prometheus give up the scrape, which it does after 10 seconds. */
export const RESPONSE_MS = 3000;
const ACTIONS = ['allMetrics', 'containerAllMetrics'] as const;

type CollectingAction = (typeof ACTIONS)[number];

/** The counters of all guests at one time. */
export interface CollectedCounters {
  /** RFC 3339. */
  time: string;
  guests: GuestCounters[];
  /** For each configured action, whether its sub-agent responded. */
  responded: ReadonlyMap<CollectingAction, boolean>;
}

/** Collects the counters of all guests, with one call to each sub-agent. */
export class CounterCollector {
  readonly #runtime: Runtime;
  #latest: { at: number; counters: Promise<CollectedCounters> } | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Returns counters that are at most a second old. Guests of a sub-agent that does not respond are left out. */
  latest(): Promise<CollectedCounters> {
    if (!this.#latest || performance.now() - this.#latest.at > FRESH_MS)
      this.#latest = { at: performance.now(), counters: this.#collect() };
    return this.#latest.counters;
  }

  async #collect(): Promise<CollectedCounters> {
    const actions = ACTIONS.filter((action) => this.#runtime.isConfigured(action));
    const results = await Promise.all(actions.map((action) => this.#query(action)));
    return {
      time: new Date().toISOString(),
      guests: results
        .flatMap((guests = []) => guests)
        .filter(({ guest }) => this.#runtime.guests.find(guest)),
      responded: new Map(actions.map((action, index) => [action, results[index] !== undefined])),
    };
  }

  async #query(name: CollectingAction): Promise<GuestCounters[] | undefined> {
    try {
      const { result } = await this.#runtime.query<object, AllMetricsResponse>(
        AGENT_RUNNER,
        this.#runtime.action(name),
        {
          request: () => ({}),
          onResponse: requireShape(allMetricsResponseSchema),
        },
        AbortSignal.timeout(RESPONSE_MS),
      );
      return result?.guests ?? [];
    } catch (error) {
      this.#runtime.log.debug(`guest counters not collected: ${name}: ${errorMessage(error)}`);
      return undefined;
    }
  }
}
