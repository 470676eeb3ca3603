import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { MAX_DELAY_S } from '../../model/coming-back.js';
import type { Guest } from '../../model/guest.js';
import { afterBoot, isOff, isOn, pendingByPolicy } from '../../model/intent.js';
import type { GuestStore } from '../../store/guest-store.js';
import type { AutomaticStarts } from './automatic-starts.js';
import type { HostState } from './host-state.js';
import { firstGroup } from './order.js';

/** The most guests that start at once after a boot, which reads their disks and memory. */
const CONCURRENT_STARTS = 4;
/** Guests of a later order no longer wait for guests whose sub-agent is not ready by then. */
const READY_MS = 120_000;
const POLL_MS = 200;

export interface AutostartOptions {
  guests: GuestStore;
  host: HostState;
  starts: Pick<AutomaticStarts, 'isBusy' | 'release'>;
  /** Whether a guest's sub-agent has said whether it runs. */
  isKnown: (guest: Guest) => boolean;
  /** Aborted when the agent stops. */
  closed: AbortSignal;
  /** How many milliseconds sub-agents have to be ready before guests of a later order pass. */
  readyMs?: number;
}

const isPending = ({ intent }: Guest): boolean => intent?.pending === true;

/** Starts the guests whose policies say so after a boot of the host: in order, a few at once, with their delays. */
export class Autostart {
  readonly #options: AutostartOptions;
  readonly #limit = pLimit(CONCURRENT_STARTS);
  readonly #readyBy: number;
  /** Guests whose turn has come. */
  readonly #turns = new Set<string>();
  /** The end of all runs so far: one at a time. */
  #runs: Promise<void> = Promise.resolve();

  constructor(options: AutostartOptions) {
    this.#options = options;
    this.#readyBy = performance.now() + (options.readyMs ?? READY_MS);
  }

  /** Lists the guests that wait for their start. */
  waiting(): Guest[] {
    return this.#options.guests.list().filter(isPending);
  }

  /** Decides which guests start because the host was booted. A kill in between repeats it with the same result. */
  async decide(): Promise<void> {
    const { guests } = this.#options;
    const remembered = guests.list().filter(({ intent }) => intent);
    await Promise.all(remembered.map(({ id }) => guests.update(id, afterBoot)));
  }

  /** Decides which guests start because the host did not go down after all: those that it had shut down above all. */
  async resume(): Promise<void> {
    const { guests } = this.#options;
    const off = guests.list().filter((guest) => guest.intent && isOff(guest));
    await Promise.all(
      off.map(({ id }) => guests.update(id, (guest) => (isOff(guest) ? pendingByPolicy(guest) : guest))),
    );
  }

  /** Starts the guests that wait, order by order, until none waits for its turn. */
  run(): Promise<void> {
    this.#runs = this.#runs.catch(() => {}).then(() => this.#runGroups());
    return this.#runs;
  }

  async #runGroups(): Promise<void> {
    const { host } = this.#options;
    this.#turns.clear();
    for (;;) {
      const left = this.waiting().filter(({ id }) => !this.#turns.has(id));
      if (left.length === 0 || this.#isOver) return;
      await this.#pause(host.notBefore - Date.now());
      if (this.#isOver) return;
      const delays = await Promise.all(firstGroup(left).map((guest) => this.#takeTurn(guest)));
      const delayMs = Math.max(0, ...delays) * 1000;
      // On disk, so that an agent that is killed meanwhile keeps to it.
      if (delayMs > 0) await host.setNotBefore(Date.now() + delayMs).catch(() => {});
    }
  }

  /** Brings one guest up. Resolves to the seconds that guests of later orders have to wait for it. */
  async #takeTurn({ id }: Guest): Promise<number> {
    this.#turns.add(id);
    const { starts, guests } = this.#options;
    const ended = this.#untilReady(id).then(() => this.#limit(() => starts.release(id)));
    const late = this.#pause(this.#readyBy - performance.now()).then(() => this.#isUnknown(id));
    // Only a sub-agent that is not ready lets the others pass: a slow start does not.
    await Promise.race([ended, late.then((isLate) => (isLate ? undefined : ended))]);
    const guest = guests.find(id);
    return guest && isOn(guest) ? (guest.autostart?.delay ?? 0) : 0;
  }

  #isUnknown(id: string): boolean {
    const guest = this.#options.guests.find(id);
    return guest !== undefined && isPending(guest) && !this.#options.isKnown(guest);
  }

  /** Waits until a guest's sub-agent is ready and the guest has no job, or until it does not matter any more. */
  async #untilReady(id: string): Promise<void> {
    const { starts } = this.#options;
    while ((this.#isUnknown(id) || starts.isBusy(id)) && !this.#isOver) await this.#pause(POLL_MS);
  }

  /** Whether no guest starts by itself any more: the agent stops, or the host goes down. */
  get #isOver(): boolean {
    return this.#options.closed.aborted || this.#options.host.goesDown;
  }

  /** @param ms bounded, because the clock may have changed since it was computed */
  async #pause(ms: number): Promise<void> {
    const until = performance.now() + Math.min(ms, MAX_DELAY_S * 1000);
    for (let left = ms; left > 0 && !this.#isOver; left = until - performance.now())
      await delay(Math.min(left, POLL_MS), undefined, { signal: this.#options.closed, ref: false }).catch(
        () => {},
      );
  }
}
