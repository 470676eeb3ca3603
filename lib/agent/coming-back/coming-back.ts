import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { type Guest, metadataOf } from '../../model/guest.js';
import type { HostDown, HostPhase, HostStatus, WaitingGuest } from '../../model/host-status.js';
import { CLOSED_VIEW } from '../../model/secrets.js';
import type { Runtime } from '../../runtime/runtime.js';
import { AutomaticStarts, type AutomaticStartsOptions } from './automatic-starts.js';
import { Autostart } from './autostart.js';
import { HostShutdown, mayBeOn } from './host-shutdown.js';
import type { HostState } from './host-state.js';

export interface ComingBackOptions {
  runtime: Runtime;
  host: HostState;
  log: Logger;
  /** Whether a guest's sub-agent has said whether it runs. */
  isKnown: (guest: Guest) => boolean;
  onOutcome: AutomaticStartsOptions['onOutcome'];
}

/** Brings guests back after a boot of the host and after failures, and shuts them down before the host goes down. */
export class ComingBack {
  readonly #options: ComingBackOptions;
  readonly #closed = new AbortController();
  readonly #starts: AutomaticStarts;
  readonly #autostart: Autostart;
  #shutdown: HostShutdown | undefined;
  #cancelShutdown = new AbortController();

  constructor(options: ComingBackOptions) {
    const { runtime, host, isKnown } = options;
    this.#options = options;
    this.#starts = new AutomaticStarts(options);
    this.#autostart = new Autostart({
      ...{ host, isKnown, guests: runtime.guests, starts: this.#starts },
      closed: this.#closed.signal,
    });
  }

  /** Decides which guests start because the host was booted. Call it before their sub-agents report them. */
  async noteBoot(): Promise<void> {
    const { host, log } = this.#options;
    try {
      if (host.isNewBoot) {
        await this.#autostart.decide();
        const guests = this.#autostart.waiting().length;
        log.info({ guests }, 'host was booted: guests start by their policies');
      }
      await host.confirm();
    } catch (error) {
      // A full disk must not keep the agent from starting.
      log.error(
        { err: error },
        `boot of the host not recorded, trying again at the next start: ${errorMessage(error)}`,
      );
    }
  }

  /** Starts what is due. Call it after the recovery of jobs. */
  open(): void {
    const { host, log } = this.#options;
    if (host.goesDown)
      log.warn('host goes down since before this start: no guest starts by itself until `mistify host up`');
    this.#starts.open();
    this.#run();
  }

  close(): void {
    this.#closed.abort();
    this.#cancelShutdown.abort();
    this.#starts.close();
  }

  status(): HostStatus {
    const phase = this.#phase();
    return { phase, waiting: this.#waiting() };
  }

  /**
   * Shuts all guests down, and starts none by itself until `up` or the next boot of the host. A call meanwhile joins the
   * one before.
   * @param waitMs how long to wait for the end
   */
  async down(options: HostDown, waitMs: number): Promise<HostStatus> {
    const { host, runtime, log } = this.#options;
    await host.setGoesDown(true);
    if (!this.#shutdown || this.#shutdown.isEnded) {
      log.info(options, 'host goes down: guests are shut down, none starts by itself');
      await this.#cancelStarts();
      this.#cancelShutdown = new AbortController();
      const { signal } = this.#cancelShutdown;
      this.#shutdown = new HostShutdown({ ...options, runtime, log, signal });
      this.#shutdown.ended.catch((error: unknown) =>
        log.error({ err: error }, `guests not shut down: ${errorMessage(error)}`),
      );
    }
    const waited = new AbortController();
    await Promise.race([
      this.#shutdown.ended,
      delay(waitMs, undefined, { signal: waited.signal, ref: false }).catch(() => {}),
    ]);
    waited.abort();
    return this.status();
  }

  /** Lets guests start by themselves again: those that a boot would start, and those that fail. */
  async up(): Promise<HostStatus> {
    const { host, log } = this.#options;
    if (host.goesDown) {
      this.#cancelShutdown.abort();
      await host.setGoesDown(false);
      log.info('host stays up: guests start by their policies');
      await this.#autostart.resume();
      this.#starts.reviewAll();
    }
    this.#run();
    return this.status();
  }

  #run(): void {
    this.#autostart.run().catch((error: unknown) => {
      this.#options.log.error({ err: error }, `guests not started by themselves: ${errorMessage(error)}`);
    });
  }

  #phase(): HostPhase {
    const { host } = this.#options;
    if (!host.goesDown) return this.#autostart.waiting().length > 0 ? 'starting' : 'up';
    return this.#shutdown && !this.#shutdown.isEnded ? 'going-down' : 'down';
  }

  #waiting(): WaitingGuest[] {
    const { runtime } = this.#options;
    const { goesDown } = this.#options.host;
    const guests = goesDown ? runtime.guests.list().filter(mayBeOn) : this.#autostart.waiting();
    return guests.map((guest) => {
      const { name } = CLOSED_VIEW.metadata(metadataOf(guest));
      const problem = goesDown ? this.#shutdown?.problems.get(guest.id) : guest.restarts?.problem;
      return {
        id: guest.id,
        ...(name ? { name } : {}),
        ...(guest.state ? { state: guest.state } : {}),
        ...(problem ? { problem } : {}),
      };
    });
  }

  /** Cancels the starts that the agent queued and that have not begun. */
  async #cancelStarts(): Promise<void> {
    const { runtime } = this.#options;
    const queued = runtime.jobs
      .list()
      .filter(({ Status, Cause }) => Status === 'Queued' && (Cause === 'autostart' || Cause === 'restart'));
    await Promise.all(queued.map(({ ID }) => runtime.queue.cancel(ID).catch(() => {})));
  }
}
