import { Gauge, type Registry } from 'prom-client';
import type { Guest } from '../model/guest.js';
import { HEALTH_STATUSES, type HealthStatus, type ProgramRun } from '../model/program-run.js';
import { GUEST_LABELS, type GuestLabels, guestLabels } from './guest-labels.js';

const seconds = (time: string): number => Date.parse(time) / 1000;

/** What the programs of containers did. */
export class GuestProgramMetrics {
  readonly #gauges: Record<'started' | 'ended' | 'exitCode' | 'outOfMemory' | 'restarts' | 'health', Gauge>;

  constructor(registry: Registry) {
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
      new Gauge({
        name: `mistify_guest_${name}`,
        help,
        labelNames: [...GUEST_LABELS, ...labelNames],
        registers: [registry],
      });
    this.#gauges = {
      started: gauge('program_start_time_seconds', "When a container's program last started"),
      ended: gauge('program_end_time_seconds', 'When it ended; absent while it runs'),
      exitCode: gauge('program_exit_code', 'Its exit code; absent while it runs'),
      outOfMemory: gauge('program_out_of_memory', 'Whether it ended because of its memory limit'),
      restarts: gauge('program_restarts', 'How often the container engine has started it again by itself'),
      health: gauge('health', "1 for what a running container's health check says", ['status']),
    };
  }

  /** Replaces all series, so that those of deleted guests disappear. */
  set(guests: readonly Guest[]): void {
    for (const gauge of Object.values(this.#gauges)) gauge.reset();
    for (const guest of guests) {
      const { program, state } = guest;
      const labels = guestLabels(guest);
      if (program?.started) this.#setRun(labels, program, program.started);
      if (program?.health && state !== 'unknown') this.#setHealth(labels, program.health);
    }
  }

  #setRun(labels: GuestLabels, run: ProgramRun, startedAt: string): void {
    const { started, ended, exitCode, outOfMemory, restarts } = this.#gauges;
    started.set(labels, seconds(startedAt));
    restarts.set(labels, run.restarts ?? 0);
    if (run.ended) ended.set(labels, seconds(run.ended));
    if (run.exitCode === undefined) return;
    exitCode.set(labels, run.exitCode);
    outOfMemory.set(labels, run.outOfMemory ? 1 : 0);
  }

  #setHealth(labels: GuestLabels, now: HealthStatus): void {
    for (const status of HEALTH_STATUSES)
      this.#gauges.health.set({ ...labels, status }, status === now ? 1 : 0);
  }
}
