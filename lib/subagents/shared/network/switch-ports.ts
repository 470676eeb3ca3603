import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type TimeLimit, waitFor } from '../../../async/deadline.js';
import { Locks } from '../../../async/keyed-locks.js';
import { errorMessage } from '../../../errors.js';
import { replaceFile } from '../../../files/atomic-files.js';
import { readStateFile, stateText } from '../../../files/state-file.js';
import type { Logger } from '../../../log.js';
import type { Nic } from '../../../model/guest.js';
import { Backoff } from '../../../portable/backoff.js';
import type { Problems } from '../../../rpc/server/problems.js';
import type { Networks } from './networks.js';
import { NoServiceError, type Port, type Switch } from './switch.js';

/** What the reason of a guest that is off says while its ports are pending. */
export const PORTS_PENDING = 'switch ports not removed yet';

/** How long a guest's stop waits for the switch before its ports are left to a retry. */
const STOP_WAIT: TimeLimit = { ms: 5000, expired: () => new Error('no response within 5 s') };
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 10_000;

export interface SwitchPortsOptions {
  networks: Networks;
  /** The file that lists the guests that have ports on switches that keep them. */
  file: string;
  problems: Problems;
  log: Logger;
  /** Called when a guest's ports become pending, and when they no longer are. */
  onChange: (guestId: string) => void;
}

/** `pending`: the guest is off and its ports are to be removed. */
type Use = 'in use' | 'pending';

/**
 * The ports of guests on switches that keep them. While a switch does not respond, a stop does not wait for it: the
 * ports stay pending, across restarts too, and are removed later.
 */
export class SwitchPorts {
  readonly #options: SwitchPortsOptions;
  /** By guest. Guests that an earlier version started are missing. */
  readonly #known = new Map<string, Use>();
  readonly #locks = new Locks();
  readonly #saving = pLimit(1);
  readonly #closed = new AbortController();
  /** Why the last attempt failed. */
  #problem: string | undefined;
  #isRetrying = false;

  constructor(options: SwitchPortsOptions) {
    this.#options = options;
  }

  /** Reads what an earlier sub-agent recorded, and retries what it could not remove. */
  async load(): Promise<void> {
    const recorded = (await readStateFile<Record<string, Use>>(this.#options.file)) ?? {};
    for (const [id, use] of Object.entries(recorded)) this.#known.set(id, use);
    if (this.#pending().length === 0) return;
    this.#retryBecause('the sub-agent stopped before they were');
    this.#report();
  }

  close(): void {
    this.#closed.abort();
  }

  isPending(guestId: string): boolean {
    return this.#known.get(guestId) === 'pending';
  }

  /** Joins a guest's tap to a switch, and records first that it has to be removed from there. */
  async add(target: Switch, port: Port): Promise<void> {
    if (target.keepsPorts && this.#known.get(port.guestId) !== 'in use') {
      this.#known.set(port.guestId, 'in use');
      await this.#saved();
    }
    await target.addPort(port);
  }

  /**
   * Takes one tap of a guest that runs off its switch.
   * @param nics all NICs that the guest has
   * @throws when the switch does not respond; the guest's end removes the port then
   */
  async detach(guestId: string, tap: string, nics: readonly Nic[]): Promise<void> {
    const mayBeKept = await this.#mayHavePorts(guestId, nics);
    await this.#options.networks.detach(tap, mayBeKept).catch((error: unknown) => {
      if (!(error instanceof NoServiceError) || this.#known.has(guestId)) throw error;
    });
  }

  /** Removes the ports of a guest that is off, now or later. Never fails, and returns within seconds. */
  async removeLater(guestId: string, nics: readonly Nic[]): Promise<void> {
    if (!(await this.#mayHavePorts(guestId, nics))) return;
    // While the switch does not respond, only the retries wait for it.
    const failure = this.#problem ?? (await this.#removeInTime(guestId));
    if (failure === undefined) return;
    this.#retryBecause(failure);
    if (this.isPending(guestId)) return;
    this.#known.set(guestId, 'pending');
    await this.#changed(guestId);
  }

  /**
   * Removes the ports of a guest that is about to start.
   * @throws when they cannot be removed now: a new device of the same name would join the old port's network
   */
  async removeNow(guestId: string, nics: readonly Nic[]): Promise<void> {
    if (await this.#mayHavePorts(guestId, nics)) await this.#remove(guestId);
  }

  async #mayHavePorts(guestId: string, nics: readonly Nic[]): Promise<boolean> {
    return this.#known.has(guestId) || (await this.#options.networks.mayKeepPorts(nics));
  }

  /** Resolves to the failure, or to `undefined`. */
  async #removeInTime(guestId: string): Promise<string | undefined> {
    return waitFor(this.#remove(guestId), undefined, STOP_WAIT).then(() => undefined, errorMessage);
  }

  /** The lock keeps a late retry from removing the ports of the guest's next run. */
  #remove(guestId: string, isWanted = () => true): Promise<void> {
    return this.#locks.run(guestId, async () => {
      if (!isWanted()) return;
      try {
        await this.#options.networks.removePorts(guestId);
      } catch (error) {
        // A host that does not run the service has no ports there, unless the guest is known to have some.
        if (!(error instanceof NoServiceError) || this.#known.has(guestId)) throw error;
      }
      if (this.#known.delete(guestId)) await this.#changed(guestId);
    });
  }

  #pending(): string[] {
    return [...this.#known.keys()].filter((id) => this.isPending(id));
  }

  async #changed(guestId: string): Promise<void> {
    this.#report();
    this.#options.onChange(guestId);
    await this.#saved();
  }

  async #saved(): Promise<void> {
    await this.#saving(() => this.#save()).catch((error: unknown) =>
      this.#options.log.error({ err: error }, `list of switch ports not saved: ${errorMessage(error)}`),
    );
  }

  async #save(): Promise<void> {
    const { file } = this.#options;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await replaceFile(file, stateText(Object.fromEntries(this.#known)));
  }

  #retryBecause(problem: string): void {
    this.#problem = problem;
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    this.#options.log.warn(`ports of guests that are off not removed, retrying: ${problem}`);
    void this.#retry();
  }

  #report(): void {
    const size = this.#pending().length;
    const guests = size === 1 ? '1 guest that is off' : `${size} guests that are off`;
    const problem = `the switch ports of ${guests} are not removed yet, retrying: ${this.#problem ?? 'the switch responds again'}`;
    this.#options.problems.set('ports', size > 0 ? problem : undefined);
  }

  async #retry(): Promise<void> {
    const { signal } = this.#closed;
    const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    do {
      await delay(backoff.next(), undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      this.#problem = await this.#removePending().then(() => undefined, errorMessage);
      this.#report();
    } while (this.#pending().length > 0);
    this.#isRetrying = false;
    this.#options.log.info('ports of guests that are off removed');
  }

  /** Stops at the first failure: the others would have to wait for the same switch. */
  async #removePending(): Promise<void> {
    for (const id of this.#pending()) await this.#remove(id, () => this.isPending(id));
  }
}
