import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import { waitFor } from '../../async/deadline.js';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { actionName, type GuestAction } from '../../model/actions.js';
import type { Guest } from '../../model/guest.js';
import type { HostDown } from '../../model/host-status.js';
import { isOff } from '../../model/intent.js';
import { submitGuestAction } from '../../runtime/actions/guest-actions.js';
import type { Runtime } from '../../runtime/runtime.js';
import { shutdownGroups } from './order.js';

/** The most guests that shut down at once, which writes their disks. */
const CONCURRENT_SHUTDOWNS = 16;
const DEFAULT_TIMEOUT_S = 60;
/** How long a shutdown may take beyond the guest's time: it waits behind the guest's earlier actions, for example. */
const MARGIN_S = 10;
/** How fast a disk takes a guest's memory at least, in MB/s. */
const SAVE_MB_PER_S = 20;

/** States of guests that have nothing to shut down. */
const GONE: ReadonlySet<string> = new Set(['create', 'error', 'deleted']);

/** Whether a guest runs, or may run. */
export const mayBeOn = (guest: Guest): boolean => !GONE.has(guest.state ?? '') && !isOff(guest);

export interface HostShutdownOptions extends HostDown {
  runtime: Runtime;
  log: Logger;
  /** Aborted when the host does not go down after all, or the agent stops. */
  signal: AbortSignal;
}

/** Shuts all guests of the host down: those that start last first. */
export class HostShutdown {
  /** Why guests are still on, by their ids. */
  readonly problems = new Map<string, string>();
  /** Resolves when every guest was asked and has complied, failed to, or used its time up. */
  readonly ended: Promise<void>;
  readonly #options: HostShutdownOptions;
  readonly #limit = pLimit(CONCURRENT_SHUTDOWNS);
  #isEnded = false;

  constructor(options: HostShutdownOptions) {
    this.#options = options;
    // The wait for each guest that shuts down listens.
    setMaxListeners(CONCURRENT_SHUTDOWNS, options.signal);
    this.ended = this.#run().finally(() => {
      this.#isEnded = true;
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  async #run(): Promise<void> {
    const { runtime, signal } = this.#options;
    for (const group of shutdownGroups(runtime.guests.list().filter(mayBeOn))) {
      if (signal.aborted) return;
      await Promise.all(group.map(({ id }) => this.#limit(() => this.#shutDown(id))));
    }
  }

  async #shutDown(id: string): Promise<void> {
    const { runtime, signal, force, log } = this.#options;
    const guest = runtime.guests.find(id);
    if (!guest || signal.aborted || !mayBeOn(guest)) return;
    const seconds = guest.autostart?.shutdownTimeout ?? this.#options.timeout ?? DEFAULT_TIMEOUT_S;
    if (await this.#save(guest)) return;
    const args = { timeout: String(seconds), ...(force ? { force: 'true' } : {}) };
    try {
      await this.#perform(guest, 'shutdown', args, seconds + MARGIN_S);
    } catch (error) {
      log.warn({ guest: id }, `guest not shut down: ${errorMessage(error)}`);
      this.problems.set(id, errorMessage(error));
    }
    const left = runtime.guests.find(id);
    if (!force || !left || signal.aborted || isOff(left)) return;
    try {
      await this.#perform(left, 'poweroff', {}, MARGIN_S * 3);
      this.problems.delete(id);
    } catch (error) {
      this.problems.set(id, errorMessage(error));
    }
  }

  /**
   * Saves the memory of a guest that is to be saved.
   * @returns whether that has succeeded; the guest is shut down otherwise
   */
  async #save(guest: Guest): Promise<boolean> {
    const { runtime, save, log } = this.#options;
    const isWanted = (guest.autostart?.hostDown ?? (save ? 'save' : 'shutdown')) === 'save';
    if (!isWanted || !runtime.isConfigured(actionName(guest.type, 'save'))) return false;
    try {
      await this.#perform(guest, 'save', {}, MARGIN_S * 3 + (guest.memory ?? 0) / SAVE_MB_PER_S);
      const left = runtime.guests.find(guest.id);
      return left === undefined || isOff(left);
    } catch (error) {
      log.warn(
        { guest: guest.id },
        `memory of the guest not saved, shutting it down: ${errorMessage(error)}`,
      );
      return false;
    }
  }

  async #perform(
    guest: Guest,
    action: GuestAction,
    args: Record<string, string>,
    seconds: number,
  ): Promise<void> {
    const { runtime, signal } = this.#options;
    const submission = await submitGuestAction(runtime, guest, action, { args, cause: 'host-down' });
    if (!submission.job) return;
    const expired = (): Error =>
      new Error(`${action} has not ended within ${seconds} s: see job ${submission.job.ID}`);
    await waitFor(submission.done, signal, { ms: seconds * 1000, expired }).catch((error: unknown) => {
      if (error !== signal.reason) throw error;
    });
  }
}
