import { setTimeout as delay } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { errorMessage } from '../../errors.js';
import type { GuestRun, Schedule } from '../../model/schedule.js';
import type { ScheduleStore } from '../../store/schedule-store.js';
import type { Runtime } from '../runtime.js';
import { runGuest } from './run-guest.js';
import { workOf } from './work.js';

/** How long a job of a run may wait behind other jobs of its guest before the next guest has its turn. */
const QUEUED_MS = 30_000;

export interface GuestRunsOptions {
  runtime: Runtime;
  store: ScheduleStore;
  now: () => number;
  /** How many guests run at the same time. */
  concurrency: number;
  /** Called with each job that a run submits or resumes. */
  onJob: (schedule: Schedule, guest: string, job: string) => void;
  onEnd: (schedule: Schedule, run: GuestRun) => void;
}

/** Runs schedules for guests, a few guests at the same time. */
export class GuestRuns {
  readonly #options: GuestRunsOptions;
  readonly #limit: LimitFunction;
  readonly #closed = new AbortController();

  constructor(options: GuestRunsOptions) {
    this.#options = options;
    this.#limit = pLimit(options.concurrency);
  }

  /** Queues a run that is stored. */
  add(schedule: Schedule, guest: string, isResumed: boolean): void {
    void this.#limit(() => this.#run(schedule, guest, isResumed));
  }

  /** Begins no further run. What is stored of those that have not ended is left to the agent's next start. */
  close(): void {
    this.#closed.abort();
    this.#limit.clearQueue();
  }

  /** Resolves when the run has ended, or waits in the queue of its guest, where it must not hold up other guests. */
  async #run(schedule: Schedule, guest: string, isResumed: boolean): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const { runtime, store, now, onJob, onEnd } = this.#options;
    let job: string | undefined;
    const over = new AbortController();
    const ended = runGuest(
      {
        ...{ runtime, store, now, isResumed, work: workOf(schedule) },
        onJob: (id) => {
          job = id;
          onJob(schedule, guest, id);
        },
      },
      schedule,
      guest,
    )
      .then(
        (run) => run && onEnd(schedule, run),
        (error: unknown) =>
          runtime.log.error({ err: error, guest }, `run of a schedule not noted: ${errorMessage(error)}`),
      )
      .finally(() => over.abort());
    const isQueued = (): boolean => job !== undefined && runtime.jobs.find(job)?.job.Status === 'Queued';
    const waits = async (): Promise<void> => {
      do await delay(QUEUED_MS, undefined, { signal: over.signal, ref: false });
      while (!isQueued());
    };
    await Promise.race([ended, waits().catch(() => ended)]);
  }
}
