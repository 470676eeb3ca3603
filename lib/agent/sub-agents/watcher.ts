import { setTimeout as delay } from 'node:timers/promises';
import type { Guest } from '../../model/guest.js';
import type { HostProgram } from '../../model/host-program.js';
import { describeAddress, type ServiceAddress } from '../../rpc/protocol/service-address.js';
import { type LinkOptions, SubAgentLink, type WatchedSubAgent } from './link.js';

export type WatcherOptions = Omit<LinkOptions, 'closed' | 'reportedIds'>;

/** Watches the event streams of all sub-agents, for the states of guests and the progress of jobs. */
export class SubAgentWatcher {
  readonly #options: WatcherOptions;
  readonly #closed = new AbortController();
  #links: SubAgentLink[] = [];

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /**
   * Starts to watch. A sub-agent that does not respond may own any guest that no other sub-agent reports, so those
   * guests become `unknown`.
   * @param subAgents without duplicates
   * @param firstMs milliseconds to wait for each one's first report
   */
  async watch(subAgents: readonly WatchedSubAgent[], firstMs: number): Promise<void> {
    const options: LinkOptions = {
      ...this.#options,
      closed: this.#closed.signal,
      reportedIds: () => this.#reportedIds(),
    };
    this.#links = subAgents.map((subAgent) => new SubAgentLink(subAgent, options));
    const responded = this.#links.map((link) => new Promise<void>((resolve) => void link.follow(resolve)));
    const timer = new AbortController();
    await Promise.race([
      Promise.all(responded),
      delay(firstMs, undefined, { signal: timer.signal }).catch(() => {}),
    ]);
    timer.abort();
    const silent = this.#links.filter(({ hasResponded }) => !hasResponded);
    if (silent.length === 0) return;
    const problems = silent.map(({ name, problem }) => [name, problem ?? 'no response yet']);
    const { log, revisions } = this.#options;
    log.warn(
      { subAgents: Object.fromEntries(problems) },
      'sub-agents do not respond; guests that they may own have state unknown',
    );
    const unreported = revisions.idsExcept(this.#reportedIds());
    await Promise.all(silent.map(({ guests }) => guests.markUnknown(unreported)));
  }

  /** Returns whether each service's sub-agent responds, by the service's name. */
  services(): Map<string, boolean> {
    return new Map(
      this.#links.flatMap(({ subAgent, isUp }) => subAgent.names.map((name) => [name, isUp] as const)),
    );
  }

  /**
   * Whether all that can be known of a guest is known: its sub-agent has reported it, or the services that start it
   * respond and report no guests.
   */
  isKnown({ id, state }: Pick<Guest, 'id' | 'state'>, services: readonly string[]): boolean {
    const isReported = (link: SubAgentLink): boolean =>
      link.isConnected && link.hasResponded && link.guests.has(id);
    // A report may not be stored yet.
    if (state !== 'unknown' && this.#links.some(isReported)) return true;
    const links = this.#links.filter(({ subAgent: { names } }) =>
      names.some((name) => services.includes(name)),
    );
    return links.length > 0 && links.every(({ lacksEvents }) => lacksEvents);
  }

  /** Returns the problems of the sub-agents that have any, by the name of a service. */
  problems(): Map<string, readonly string[]> {
    return new Map(
      this.#links.flatMap(({ subAgent: { names }, problems }) =>
        problems.length > 0 && names[0] !== undefined ? [[names[0], problems] as const] : [],
      ),
    );
  }

  /** Returns the programs that the sub-agents work with, as far as they say. */
  programs(): HostProgram[] {
    return this.#links.flatMap(({ programs }) => programs);
  }

  /** Returns why each service's sub-agent that does not respond is down, by the service's name. */
  downReasons(): Map<string, string> {
    return new Map(
      this.#links.flatMap(({ subAgent, downReason }) =>
        downReason === undefined ? [] : subAgent.names.map((name) => [name, downReason] as const),
      ),
    );
  }

  /** Publishes that the agent ended a sub-agent that hung. */
  noteHang(address: ServiceAddress, reason: string): void {
    const name = describeAddress(address);
    this.#links.find((link) => link.name === name)?.noteHang(reason);
  }

  close(): void {
    this.#closed.abort();
    for (const link of this.#links) link.close();
  }

  /** Collects the guests that any connected sub-agent reports. */
  #reportedIds(): Set<string> {
    return new Set(this.#links.flatMap(({ isConnected, guests }) => (isConnected ? guests.ids : [])));
  }
}
