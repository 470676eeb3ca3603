import type { LimitFunction } from 'p-limit';
import { errorMessage } from '../../errors.js';
import type { GuestRun, RunCause, Schedule, SkippedRun } from '../../model/schedule.js';
import type { ScheduleStore, StoredGuest, StoredSchedule } from '../../store/schedule-store.js';
import type { Runtime } from '../runtime.js';
import type { GuestRuns } from './guest-runs.js';
import { nextOf, planRun } from './plan-run.js';
import { selectGuests } from './select-guests.js';
import { workOf } from './work.js';

/** Timers do not follow the clock when it is set, or when the host sleeps: look at it this often at least. */
const MAX_SLEEP_MS = 30_000;
const MIN_SLEEP_MS = 250;

/** A change of a schedule, or what came of a run. */
export type ScheduleChange =
  | { change: 'created' | 'changed' | 'deleted'; schedule: Schedule }
  | { change: 'ended'; schedule: Schedule; run: GuestRun }
  /** Without a guest it concerns all of them. */
  | { change: 'skipped'; schedule: Schedule; skipped: SkippedRun & { guest?: string } };

export interface ScheduleClockOptions {
  runtime: Runtime;
  store: ScheduleStore;
  runs: GuestRuns;
  /** Serializes what depends on the schedules as they are. */
  turns: LimitFunction;
  /** Whether no run begins now: the host goes down. */
  isPaused: () => boolean;
  onChange: (change: ScheduleChange) => void;
  /** The clock of the host, in milliseconds since 1970. */
  now: () => number;
}

/** Begins the runs of schedules when they are due. */
export class ScheduleClock {
  readonly #options: ScheduleClockOptions;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ScheduleClockOptions) {
    this.#options = options;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Begins what is due, and waits for what is due next. Never rejects: what cannot be written now is due again later. */
  async tick(): Promise<void> {
    const { turns, isPaused, runtime, store } = this.#options;
    let isLeft = false;
    await turns(async () => {
      isLeft = isPaused() || runtime.queue.isStopping;
      for (const stored of isLeft ? [] : store.list())
        await this.#review(stored).catch((error: unknown) => {
          isLeft = true;
          runtime.log.error({ schedule: stored.schedule.name }, `schedule not run: ${errorMessage(error)}`);
        });
    });
    this.wait(isLeft ? MAX_SLEEP_MS : MIN_SLEEP_MS);
  }

  /**
   * Waits for what is due next; call it after each change of a schedule.
   * @param leastMs how long to wait at least, in milliseconds
   */
  wait(leastMs = MIN_SLEEP_MS): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const { store, now } = this.#options;
    const next = Math.min(...store.list().map((stored) => nextOf(stored) ?? Number.POSITIVE_INFINITY));
    const ms = Math.min(MAX_SLEEP_MS, Math.max(leastMs, next - now()));
    this.#timer = setTimeout(() => void this.tick(), ms).unref();
  }

  /** Returns a schedule's guests as they are now, each with what is known of it. */
  guestsOf(schedule: Schedule): { id: string; known: StoredGuest | undefined }[] {
    const { runtime, store } = this.#options;
    return selectGuests(runtime.guests.list(), schedule.guests).map(({ id }) => ({
      id,
      known: store.findGuest(schedule.id, id),
    }));
  }

  async #review(stored: StoredSchedule): Promise<void> {
    const now = this.#options.now();
    const plan = planRun(stored, now);
    if (plan?.kind === 'begin') await this.begin(stored, plan.due, plan.cause);
    else if (plan?.kind === 'skip') await this.#skip(stored, plan.due, plan.reason);
    else if (plan) {
      this.#options.runtime.log.warn(
        { schedule: stored.schedule.name },
        'clock was set back: schedule starts over',
      );
      await this.#options.store.put({ ...stored, decided: now });
    }
  }

  /** Stores a run for all guests that have none under way, and queues it. */
  async begin(stored: StoredSchedule, dueMs: number, cause: RunCause): Promise<void> {
    const { schedule } = stored;
    const due = new Date(dueMs).toISOString();
    const guests = this.guestsOf(schedule);
    if (guests.length === 0) return this.#skip(stored, dueMs, 'it has no guests');
    const since = new Date(this.#options.now()).toISOString();
    const begun = guests.flatMap(({ id, known }): StoredGuest[] => {
      if (known?.current) return [];
      const { skipped: _, ...before } = known ?? { guest: id, since, made: [] };
      return [{ ...before, current: { due, cause, name: workOf(schedule).nameOf(schedule, due) } }];
    });
    const { skipped: _, ...before } = stored;
    await this.#options.store.put(
      { ...before, decided: cause === 'request' ? stored.decided : dueMs },
      begun,
    );
    for (const { guest } of begun) this.#options.runs.add(schedule, guest, false);
    for (const { id, known } of guests)
      if (known?.current) await this.#skipGuest(schedule, id, due, known.current.due);
  }

  async #skipGuest(schedule: Schedule, guest: string, due: string, earlier: string): Promise<void> {
    const skipped = { due, reason: `the run of ${earlier} has not ended` };
    this.#tellSkipped(schedule, { ...skipped, guest });
    await this.#options.store.updateGuest(schedule.id, guest, (state) => ({ ...state, skipped }));
  }

  async #skip(stored: StoredSchedule, dueMs: number, reason: string): Promise<void> {
    const skipped = { due: new Date(dueMs).toISOString(), reason };
    await this.#options.store.put({ ...stored, decided: dueMs, skipped });
    this.#tellSkipped(stored.schedule, skipped);
  }

  #tellSkipped(schedule: Schedule, skipped: SkippedRun & { guest?: string }): void {
    const { reason, ...where } = skipped;
    this.#options.runtime.log.warn(
      { schedule: schedule.name, ...where },
      `run of a schedule skipped: ${reason}`,
    );
    this.#options.onChange({ change: 'skipped', schedule, skipped });
  }
}
