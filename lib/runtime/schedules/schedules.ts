import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import pLimit from 'p-limit';
import { AgentError, errorMessage, stopping } from '../../errors.js';
import type {
  GuestRun,
  Schedule,
  ScheduleDetails,
  SchedulePatch,
  ScheduleSpec,
  ScheduleStatus,
} from '../../model/schedule.js';
import { patchedSchedule } from '../../model/schedule-patch.js';
import { completeSchedule } from '../../model/schedule-schemas.js';
import type { ScheduleStore, StoredGuest, StoredSchedule } from '../../store/schedule-store.js';
import type { Runtime } from '../runtime.js';
import { detailsOf, statusOf } from './describe.js';
import { GuestRuns, type GuestRunsOptions } from './guest-runs.js';
import { requireValid } from './require-valid.js';
import { type ScheduleChange, ScheduleClock } from './schedule-clock.js';

const DEFAULT_CONCURRENCY = 2;

export interface SchedulesOptions {
  runtime: Runtime;
  store: ScheduleStore;
  /** How many guests run at the same time, of all schedules with the same action; 2 by default. */
  concurrency?: number | undefined;
  /** Whether no run begins now: the host goes down. */
  isPaused: () => boolean;
  onJob: GuestRunsOptions['onJob'];
  onChange: (change: ScheduleChange) => void;
  /** The clock of the host, in milliseconds since 1970. */
  now?: () => number;
}

/** The schedules of this host: begins their runs when they are due, and forgets none when the agent is killed. */
export class Schedules {
  readonly #onChange: SchedulesOptions['onChange'];
  readonly #store: ScheduleStore;
  readonly #runtime: Runtime;
  readonly #now: () => number;
  readonly #runs: GuestRuns;
  /** One change at a time: each depends on the one before. */
  readonly #turns = pLimit(1);
  readonly #clock: ScheduleClock;

  constructor(options: SchedulesOptions) {
    const { runtime, store, isPaused, onJob, onChange } = options;
    const { now = Date.now, concurrency = DEFAULT_CONCURRENCY } = options;
    this.#onChange = onChange;
    this.#store = store;
    this.#runtime = runtime;
    this.#now = now;
    const onEnd = (schedule: Schedule, run: GuestRun): void => {
      const fields = { schedule: schedule.name, guest: run.guest, due: run.due };
      if (run.outcome === 'success') runtime.log.info(fields, 'run of a schedule completed');
      else runtime.log.warn(fields, `run of a schedule failed: ${run.message}`);
      onChange({ change: 'ended', schedule, run });
    };
    this.#runs = new GuestRuns({ runtime, store, now, concurrency, onJob, onEnd });
    this.#clock = new ScheduleClock({
      ...{ runtime, store, now, onChange, isPaused },
      ...{ runs: this.#runs, turns: this.#turns },
    });
  }

  /** Resumes the runs that an earlier process of the agent began, and begins those that are due, from now on. */
  async open(): Promise<void> {
    const { guests, log } = this.#runtime;
    const forget = (id: string): Promise<void> =>
      this.#store
        .removeGuest(id)
        .catch((error: unknown) =>
          log.warn({ guest: id }, `deleted guest not forgotten: ${errorMessage(error)}`),
        );
    guests.onChange((change, { id }) => {
      if (change === 'deleted') void forget(id);
    });
    for (const { schedule } of this.#store.list()) {
      for (const { guest, current } of this.#store.guestsOf(schedule.id)) {
        if (!guests.find(guest)) await forget(guest);
        else if (current) this.#runs.add(schedule, guest, true);
      }
    }
    await this.#clock.tick();
  }

  close(): void {
    this.#clock.close();
    this.#runs.close();
  }

  /** Begins what is due now. The clock calls it by itself. */
  tick(): Promise<void> {
    return this.#clock.tick();
  }

  list(): ScheduleStatus[] {
    return this.#store
      .list()
      .map((stored) => statusOf(stored, this.#store.guestsOf(stored.schedule.id), this.#now()));
  }

  /** @throws {AgentError} `not_found` */
  get(id: string): ScheduleDetails {
    return this.#describe(this.#require(id));
  }

  /** Returns a schedule's guests as they are now, each with what is known of it. */
  guestsOf(schedule: Schedule): { id: string; known: StoredGuest | undefined }[] {
    return this.#clock.guestsOf(schedule);
  }

  /** @throws {AgentError} `invalid`, or `conflict` when the id or the name is taken */
  create(spec: ScheduleSpec, dryRun = false): Promise<ScheduleDetails> {
    return this.#turns(async () => {
      const schedule = completeSchedule(spec.id ?? randomUUID(), spec);
      if (this.#store.find(schedule.id))
        throw new AgentError(
          'conflict',
          `schedule ${schedule.id} already exists: choose another id or leave it out`,
        );
      requireValid(this.#runtime, this.#store, schedule);
      const stored = { schedule, decided: this.#now() };
      if (dryRun) return this.#describe(stored);
      await this.#store.put(stored);
      this.#changed('created', schedule);
      return this.get(schedule.id);
    });
  }

  /** @throws {AgentError} `not_found`, `invalid`, or `conflict` when the name is taken */
  change(id: string, patch: SchedulePatch, dryRun = false): Promise<ScheduleDetails> {
    return this.#turns(async () => {
      const before = this.#require(id);
      const schedule = patchedSchedule(before.schedule, patch);
      requireValid(this.#runtime, this.#store, schedule, before.schedule);
      const timing = ({ cron, timezone, enabled }: Schedule): unknown => ({ cron, timezone, enabled });
      // Times before the change are not made up for.
      const isRetimed = !isDeepStrictEqual(timing(schedule), timing(before.schedule));
      const stored = { ...before, schedule, decided: isRetimed ? this.#now() : before.decided };
      if (dryRun) return this.#describe(stored);
      await this.#store.put(stored);
      this.#changed('changed', schedule);
      return this.get(id);
    });
  }

  /**
   * Deletes a schedule. What it has made stays, and is its users' own from now on.
   * @throws {AgentError} `not_found`
   */
  remove(id: string, dryRun = false): Promise<ScheduleDetails> {
    return this.#turns(async () => {
      const details = this.get(id);
      if (dryRun) return details;
      const { schedule } = this.#require(id);
      await this.#store.remove(id);
      this.#changed('deleted', schedule);
      return details;
    });
  }

  /**
   * Begins a run now, whatever the time and whether or not the schedule is enabled.
   * @throws {AgentError} `not_found`; `conflict` when there is no guest for which it can begin
   */
  run(id: string, dryRun = false): Promise<ScheduleDetails> {
    return this.#turns(async () => {
      const stored = this.#require(id);
      const { name } = stored.schedule;
      const guests = this.guestsOf(stored.schedule);
      if (guests.length === 0)
        throw new AgentError('conflict', `schedule "${name}" has no guests now: change its "guests"`);
      if (guests.every(({ known }) => known?.current))
        throw new AgentError(
          'conflict',
          `schedule "${name}" still runs for all of its guests: wait for the end`,
        );
      if (this.#runtime.queue.isStopping) throw stopping();
      if (!dryRun) await this.#clock.begin(stored, this.#now(), 'request');
      return this.get(id);
    });
  }

  #require(id: string): StoredSchedule {
    const stored = this.#store.find(id);
    if (!stored) throw new AgentError('not_found', `schedule ${id}: not found`);
    return stored;
  }

  #describe(stored: StoredSchedule): ScheduleDetails {
    const { schedule } = stored;
    const selected = this.guestsOf(schedule).map(({ id }) => id);
    return detailsOf(stored, this.#store.guestsOf(schedule.id), selected, this.#now());
  }

  #changed(change: 'created' | 'changed' | 'deleted', schedule: Schedule): void {
    this.#onChange({ change, schedule });
    this.#clock.wait();
  }
}
