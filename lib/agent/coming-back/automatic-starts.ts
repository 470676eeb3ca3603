import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { Guest } from '../../model/guest.js';
import { isHalted, isOn } from '../../model/intent.js';
import { isFinished } from '../../model/job.js';
import { submitGuestAction } from '../../runtime/actions/guest-actions.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { HostState } from './host-state.js';
import { causeOfStart, planStart } from './plan.js';

export type StartCause = 'autostart' | 'restart';
export type StartOutcome = 'success' | 'error';

export interface AutomaticStartsOptions {
  runtime: Runtime;
  host: HostState;
  log: Logger;
  /** Called after each start. */
  onOutcome: (cause: StartCause, outcome: StartOutcome) => void;
}

const isWanted = (guest: Guest, cause: StartCause): boolean => causeOfStart(guest) === cause;

/** Starts guests without being asked: those that failed, with backoff, and those that are released after a boot. */
export class AutomaticStarts {
  readonly #options: AutomaticStartsOptions;
  /** The timers of planned starts, by guest. */
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Guests whose start is under way. */
  readonly #busy = new Set<string>();
  /** Guests whose turn has come after the boot. */
  readonly #released = new Set<string>();
  #isOpen = false;

  constructor(options: AutomaticStartsOptions) {
    this.#options = options;
  }

  /** Follows all guests from now on, and resumes the starts that an earlier process of the agent planned. */
  open(): void {
    const { guests, jobs } = this.#options.runtime;
    this.#isOpen = true;
    guests.onChange((change, { id }) => (change === 'deleted' ? this.#forget(id) : this.review(id)));
    jobs.onChange(({ job }) => {
      if (isFinished(job)) this.review(job.GuestID);
    });
    this.reviewAll();
  }

  reviewAll(): void {
    for (const { id } of this.#options.runtime.guests.list()) this.review(id);
  }

  close(): void {
    this.#isOpen = false;
    for (const id of [...this.#timers.keys()]) this.#cancel(id);
  }

  /** Looks at a guest again, and plans its start when one is due. */
  review(id: string): void {
    const guest = this.#options.runtime.guests.find(id);
    const cause = guest?.intent && this.#causeOf(guest);
    if (!guest || !cause) {
      this.#cancel(id);
      return;
    }
    // The end of its job is another reason to look.
    if (this.#timers.has(id) || this.isBusy(id)) return;
    const plan = planStart(guest, cause, Date.now());
    if ('ended' in plan) {
      void this.#end(guest, plan.ended);
      return;
    }
    const timer = setTimeout(() => void this.#start(id, cause), plan.at - Date.now());
    this.#timers.set(id, timer.unref());
    if (plan.at > Date.now())
      void this.#note(id, cause, { times: plan.times, next: new Date(plan.at).toISOString() });
  }

  /** Whether a guest's start is under way, or another job of it. */
  isBusy(id: string): boolean {
    return this.#busy.has(id) || this.#hasJob(id);
  }

  /** Starts a guest that waits for its start after the boot. When that fails, it is retried with backoff. */
  async release(id: string): Promise<void> {
    this.#released.add(id);
    const guest = this.#options.runtime.guests.find(id);
    if (!guest || !this.#isOpen || this.#options.host.goesDown || this.isBusy(id)) return;
    if (this.#causeOf(guest) !== 'autostart') return this.#giveUp(id);
    this.#cancel(id);
    await this.#start(id, 'autostart');
  }

  #causeOf(guest: Guest): StartCause | undefined {
    const { runtime, host } = this.#options;
    if (!this.#isOpen || host.goesDown || runtime.queue.isStopping) return undefined;
    const cause = causeOfStart(guest);
    if (cause === 'autostart' && (isOn(guest) || !this.#released.has(guest.id))) return undefined;
    return cause;
  }

  #hasJob(id: string): boolean {
    return this.#options.runtime.jobs.list({ guestId: id }).some((job) => !isFinished(job));
  }

  #cancel(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  #forget(id: string): void {
    this.#cancel(id);
    this.#released.delete(id);
  }

  /** Starts a guest unless something has changed meanwhile. The start is on record before its job is. */
  async #start(id: string, cause: StartCause): Promise<void> {
    const { runtime, log, onOutcome } = this.#options;
    this.#timers.delete(id);
    if (this.#busy.has(id)) return;
    this.#busy.add(id);
    try {
      const guest = await this.#recordStart(id, cause);
      if (!guest || this.#hasJob(id) || this.#causeOf(guest) !== cause) return;
      log.info({ guest: id, cause, start: guest.restarts?.times.length }, 'guest starts by itself');
      const submission = await submitGuestAction(runtime, guest, isHalted(guest) ? 'restart' : 'start', {
        cause,
      });
      if (submission.job) await submission.done;
      onOutcome(cause, 'success');
    } catch (error) {
      if (runtime.queue.isStopping || runtime.queue.detached.aborted) return;
      onOutcome(cause, 'error');
      log.warn({ guest: id, cause }, `guest did not start by itself: ${errorMessage(error)}`);
      await this.#note(id, cause, { problem: errorMessage(error) });
    } finally {
      this.#busy.delete(id);
      this.review(id);
    }
  }

  #recordStart(id: string, cause: StartCause): Promise<Guest | undefined> {
    return this.#update(id, (guest) => {
      if (!isWanted(guest, cause)) return guest;
      const plan = planStart(guest, cause, Date.now());
      if ('ended' in plan) return guest;
      const { next: _, ...restarts } = guest.restarts ?? {};
      return { ...guest, restarts: { ...restarts, times: [...plan.times, new Date().toISOString()] } };
    });
  }

  async #note(id: string, cause: StartCause, change: Partial<NonNullable<Guest['restarts']>>): Promise<void> {
    await this.#update(id, (guest) =>
      isWanted(guest, cause)
        ? { ...guest, restarts: { ...(guest.restarts ?? { times: [] }), ...change } }
        : guest,
    );
  }

  async #end({ id }: Guest, problem: string): Promise<void> {
    this.#options.log.error({ guest: id }, `guest no longer starts by itself: ${problem}`);
    await this.#update(id, (guest) => {
      if (!guest.restarts || causeOfStart(guest) === undefined) return guest;
      const { next: _, ...restarts } = guest.restarts;
      return {
        ...guest,
        restarts: { ...restarts, problem, ended: true },
        ...(guest.intent ? { intent: { power: guest.intent.power } } : {}),
      };
    });
  }

  /** Ends a guest's wait for its start after the boot. */
  async #giveUp(id: string): Promise<void> {
    await this.#update(id, (guest) =>
      guest.intent?.pending ? { ...guest, intent: { power: guest.intent.power } } : guest,
    );
  }

  /** A full disk must not end the agent: what cannot be written now is decided again later. */
  async #update(id: string, change: (guest: Guest) => Guest): Promise<Guest | undefined> {
    const { runtime, log } = this.#options;
    if (!runtime.guests.find(id)) return undefined;
    try {
      return await runtime.guests.update(id, change);
    } catch (error) {
      log.warn({ guest: id }, `automatic start not recorded: ${errorMessage(error)}`);
      return undefined;
    }
  }
}
