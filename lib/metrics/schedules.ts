import { Counter, Gauge, type Registry } from 'prom-client';
import type { ScheduleChange } from '../runtime/schedules/schedule-clock.js';
import type { Schedules } from '../runtime/schedules/schedules.js';
import type { GuestStore } from '../store/guest-store.js';
import { GUEST_LABELS, guestLabels } from './guest-labels.js';

/** What schedules have done, as Prometheus metrics. */
export class ScheduleMetrics {
  readonly #age: Gauge;
  readonly #runs: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#age = new Gauge({
      name: 'mistify_schedule_good_age_seconds',
      help: 'Time since the last successful run of a schedule for a guest; without one, since its first run',
      labelNames: ['schedule', 'action', ...GUEST_LABELS],
      registers,
    });
    this.#runs = new Counter({
      name: 'mistify_schedule_runs_total',
      help: 'Runs of a schedule since the agent started, one per guest; a skipped run of all guests counts once',
      labelNames: ['schedule', 'action', 'outcome'],
      registers,
    });
  }

  /** Counts what came of a run. */
  observe({ schedule: { name, action }, ...change }: ScheduleChange): void {
    if (change.change === 'ended') this.#runs.inc({ schedule: name, action, outcome: change.run.outcome });
    else if (change.change === 'skipped') this.#runs.inc({ schedule: name, action, outcome: 'skipped' });
  }

  /** Replaces the ages: those of guests that no enabled schedule has disappear. */
  set(schedules: Schedules, guests: GuestStore): void {
    this.#age.reset();
    for (const schedule of schedules.list().filter(({ enabled }) => enabled)) {
      for (const { id, known } of schedules.guestsOf(schedule)) {
        const guest = guests.find(id);
        if (!known || !guest) continue;
        const seconds = (Date.now() - Date.parse(known.good ?? known.since)) / 1000;
        const labels = { schedule: schedule.name, action: schedule.action, ...guestLabels(guest) };
        this.#age.set(labels, Math.max(0, seconds));
      }
    }
  }
}
