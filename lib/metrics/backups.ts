import { Counter, Gauge, type Registry } from 'prom-client';
import { errorMessage } from '../errors.js';
import { isGoodBackup } from '../model/good-backup.js';
import type { Guest } from '../model/guest.js';
import { isFinished } from '../model/job.js';
import { queryBackups } from '../runtime/actions/backup-queries.js';
import type { Runtime } from '../runtime/runtime.js';
import type { LoggedJob } from '../store/logged-job.js';
import { GUEST_LABELS, guestLabels } from './guest-labels.js';

/** How old the list of backups may be when other hosts, or restic itself, have changed the repository. */
const FRESH_MS = 600_000;
/** How long the repository may take to list its backups. */
const RESPONSE_MS = 60_000;

const OUTCOMES = ['success', 'error'] as const;

/**
 * The age and the outcomes of the guests' backups as Prometheus metrics. A scrape never waits for the repository: it asks
 * for the list in the background, for the next one.
 */
export class BackupMetrics {
  readonly #runtime: Runtime;
  readonly #last: Gauge;
  readonly #total: Counter;
  readonly #outcomes = new Map<string, Record<(typeof OUTCOMES)[number], number>>();
  /** The moment of each guest's newest good backup, in milliseconds. */
  #newest = new Map<string, number>();
  #listedAt: number | undefined;
  /** Whether anyone scrapes the metrics; nothing is listed otherwise. */
  #isScraped = false;

  constructor(runtime: Runtime, registry: Registry) {
    this.#runtime = runtime;
    const registers = [registry];
    this.#last = new Gauge({
      name: 'mistify_guest_last_backup_timestamp_seconds',
      help: "The moment of a guest's newest backup that is not known to be damaged; absent for a guest without one",
      labelNames: GUEST_LABELS,
      registers,
    });
    this.#total = new Counter({
      name: 'mistify_guest_backups_total',
      help: 'Backups of a guest that ended since the agent started',
      labelNames: [...GUEST_LABELS, 'outcome'],
      registers,
    });
    runtime.jobs.onChange((logged) => this.#observe(logged));
  }

  /** Replaces all series, so that deleted guests disappear. */
  set(guests: readonly Guest[]): void {
    this.#isScraped = true;
    this.#refresh();
    this.#last.reset();
    this.#total.reset();
    for (const guest of guests) {
      const [labels, newest, outcomes] = [
        guestLabels(guest),
        this.#newest.get(guest.id),
        this.#outcomes.get(guest.id),
      ];
      if (newest !== undefined) this.#last.set(labels, newest / 1000);
      if (!outcomes) continue;
      for (const outcome of OUTCOMES) this.#total.inc({ ...labels, outcome }, outcomes[outcome]);
    }
  }

  #observe({ job, task }: LoggedJob): void {
    if (task.kind !== 'backup' || !isFinished(job)) return;
    this.#listedAt = undefined;
    if (task.name !== 'createBackup') return;
    const outcomes = this.#outcomes.get(task.guest) ?? { success: 0, error: 0 };
    outcomes[job.Status === 'Complete' ? 'success' : 'error'] += 1;
    this.#outcomes.set(task.guest, outcomes);
    if (this.#isScraped) this.#refresh();
  }

  #refresh(): void {
    const isFresh = this.#listedAt !== undefined && performance.now() - this.#listedAt < FRESH_MS;
    if (isFresh || !this.#runtime.isConfigured('listBackups')) return;
    this.#listedAt = performance.now();
    void this.#list();
  }

  /** Keeps what is known when the repository does not respond: a backup does not become younger by that. */
  async #list(): Promise<void> {
    try {
      const { result } = await queryBackups(this.#runtime, {}, AbortSignal.timeout(RESPONSE_MS));
      const newest = new Map<string, number>();
      // The newest one is the first of its guest.
      for (const backup of result.filter(isGoodBackup))
        if (!newest.has(backup.guest)) newest.set(backup.guest, Date.parse(backup.created));
      this.#newest = newest;
    } catch (error) {
      this.#runtime.log.debug(`ages of backups not collected: ${errorMessage(error)}`);
    }
  }
}
