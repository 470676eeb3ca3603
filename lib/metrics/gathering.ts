import { errorMessage } from '../errors.js';
import {
  type AllMetricsResponse,
  allMetricsResponseSchema,
  type GuestCounters,
} from '../rpc/protocol/messages.js';
import { requireShape } from '../runtime/pipeline/pipeline.js';
import type { Runtime } from '../runtime/runtime.js';

/** Those who ask at the same time share what the sub-agents answered. */
const FRESH_MS = 1000;
/** A sub-agent that hangs must not have Prometheus give up the scrape, which it does after 10 seconds. */
const ANSWER_MS = 3000;
const ACTIONS = ['allMetrics', 'containerAllMetrics'] as const;
/** The runner of what is asked for no guest in particular. */
const RUNNER = 'agent';

type GatheringAction = (typeof ACTIONS)[number];

/** The counters of all guests at one time. */
export interface Gathered {
  /** RFC 3339. */
  time: string;
  guests: GuestCounters[];
  /** Whether its sub-agent answered, of each action that is configured. */
  answered: ReadonlyMap<GatheringAction, boolean>;
}

/** Asks the sub-agents for the counters of all guests, with one call to each. */
export class CounterGathering {
  readonly #runtime: Runtime;
  #latest: { at: number; gathered: Promise<Gathered> } | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** At most a second old. Of a sub-agent that does not answer there is nothing, and no error. */
  latest(): Promise<Gathered> {
    if (!this.#latest || performance.now() - this.#latest.at > FRESH_MS)
      this.#latest = { at: performance.now(), gathered: this.#gather() };
    return this.#latest.gathered;
  }

  async #gather(): Promise<Gathered> {
    const actions = ACTIONS.filter((action) => this.#runtime.isConfigured(action));
    const answers = await Promise.all(actions.map((action) => this.#ask(action)));
    return {
      time: new Date().toISOString(),
      guests: answers
        .flatMap((guests = []) => guests)
        .filter(({ guest }) => this.#runtime.guests.find(guest)),
      answered: new Map(actions.map((action, index) => [action, answers[index] !== undefined])),
    };
  }

  async #ask(name: GatheringAction): Promise<GuestCounters[] | undefined> {
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
      return answer?.guests ?? [];
    } catch (error) {
      this.#runtime.log.debug(`${name}: ${errorMessage(error)}`);
      return undefined;
    }
  }
}
