import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { gate } from '../../async/gate.js';
import { errorMessage } from '../../errors.js';
import type { GuestRun, Schedule, ScheduleAction } from '../../model/schedule.js';
import type { ScheduleStore } from '../../store/schedule-store.js';
import type { Runtime } from '../runtime.js';
import { requestOf, runGuest } from './run-guest.js';
import { workOf } from './work.js';

/** How long a job of a run may wait behind other jobs of its guest before the next guest has its turn. */
const QUEUED_MS = 30_000;

export interface GuestRunsOptions {
  runtime: Runtime;
  store: ScheduleStore;
  now: () => number;
  /** How many guests run at the same time, of all schedules with the same action. */
  concurrency: number;
  /** Called with each job that a run submits or resumes; without a guest when it concerns all of them. */
  onJob: (schedule: Schedule, guest: string | undefined, job: string) => void;
  onEnd: (schedule: Schedule, run: GuestRun) => void;
}

/** The guests of a schedule whose runs have not ended, and whether these runs have deleted something. */
interface Open {
  guests: number;
  hasDeleted: boolean;
}

/** Runs schedules for guests, a few guests at the same time. */
export class GuestRuns {
  readonly #options: GuestRunsOptions;
  /** By action, so that backups, which take long, do not hold up snapshots. */
  readonly #limits = new Map<ScheduleAction, LimitFunction>();
  readonly #open = new Map<string, Open>();
  readonly #closed = new AbortController();

  constructor(options: GuestRunsOptions) {
    this.#options = options;
    // Each guest that waits for the end of its backup listens.
    setMaxListeners(0, this.#closed.signal);
  }

  /** Queues a run that is stored. */
  add(schedule: Schedule, guest: string, isResumed: boolean): void {
    const { id, action } = schedule;
    const open = this.#open.get(id) ?? { guests: 0, hasDeleted: false };
    open.guests += 1;
    this.#open.set(id, open);
    const limit = this.#limits.get(action) ?? pLimit(this.#options.concurrency);
    this.#limits.set(action, limit);
    void limit(() => this.#takeTurn(schedule, guest, isResumed, open));
  }

  /** Begins no further run. What is stored of those that have not ended is left to the agent's next start. */
  close(): void {
    this.#closed.abort();
    for (const limit of this.#limits.values()) limit.clearQueue();
  }

  /**
   * Resolves when the run has ended, or waits in the queue of its guest or for the end of its backup, where it must not hold
   * up other guests.
   */
  async #takeTurn(schedule: Schedule, guest: string, isResumed: boolean, open: Open): Promise<void> {
    const { signal } = this.#closed;
    if (signal.aborted) return;
    const { runtime, store, now, onJob, onEnd } = this.#options;
    let job: string | undefined;
    const over = new AbortController();
    const waiting = gate();
    const noteJob = (id: string): void => {
      job = id;
      onJob(schedule, guest, id);
    };
    const noteDeletion = (): void => {
      open.hasDeleted = true;
    };
    const work = workOf(schedule);
    const noted = { onJob: noteJob, onDeleted: noteDeletion, onWait: waiting.open };
    const ended = runGuest({ runtime, store, now, isResumed, work, signal, ...noted }, schedule, guest)
      .then((run) => run && onEnd(schedule, run))
      .catch((error: unknown) =>
        runtime.log.error({ err: error, guest }, `run of a schedule not noted: ${errorMessage(error)}`),
      )
      .finally(() => over.abort())
      .then(() => this.#settle(schedule, open));
    const isQueued = (): boolean => job !== undefined && runtime.jobs.find(job)?.job.Status === 'Queued';
    const waits = async (): Promise<void> => {
      do await delay(QUEUED_MS, undefined, { signal: over.signal, ref: false });
      while (!isQueued());
    };
    await Promise.race([ended, waiting.opened, waits().catch(() => ended)]);
  }

  async #settle(schedule: Schedule, open: Open): Promise<void> {
    open.guests -= 1;
    if (open.guests > 0) return;
    this.#open.delete(schedule.id);
    if (open.hasDeleted && !this.#closed.signal.aborted) await this.#tidy(schedule);
  }

  /** A run that a restart interrupts is not tidied up after; the next one is. */
  async #tidy(schedule: Schedule): Promise<void> {
    const { runtime, now, onJob } = this.#options;
    const ended = new Date(now()).toISOString();
    try {
      await workOf(schedule).tidy?.({
        runtime,
        requestOf: (what) => requestOf(what, schedule.id, ended),
        onJob: async (job) => onJob(schedule, undefined, job),
      });
    } catch (error) {
      runtime.log.warn(
        { schedule: schedule.name },
        `run of a schedule not tidied up: ${errorMessage(error)}`,
      );
    }
  }
}
