import { STAGES, TIMEOUT_SECONDS } from './system.js';

export const MAX_WAITING = 100;
export const MAX_WAITING_FIRST = 10;
const GRACE_MS = 5000;

interface ModelJob {
  id: string;
  action: string;
}

interface Running extends ModelJob {
  stage: number;
  /** When its call started, in model milliseconds. */
  since: number;
  /** When it is cancelled at the latest; absent unless another job preempted it. */
  endAt?: number;
}

interface ModelGuest {
  running?: Running | undefined;
  /** Preempting jobs, which run before `others`. */
  first: ModelJob[];
  others: ModelJob[];
}

const isPreempting = (action: string): boolean => action === 'poweroff' || action === 'delete';

/** Models what the queue promises: one job at a time, in order, and preemption. */
export class Model {
  readonly guests = new Map<string, ModelGuest>();
  /** Ids of jobs that must have ended. */
  readonly ended: string[] = [];
  #now = 0;

  constructor(guests: readonly string[]) {
    for (const id of guests) this.guests.set(id, { first: [], others: [] });
  }

  /** Picks an existing guest for any number. */
  pick(n: number): string | undefined {
    const ids = [...this.guests.keys()];
    return ids[n % Math.max(ids.length, 1)];
  }

  /** Picks the id of an unfinished job for any number. */
  pickJob(n: number, which: 'any' | 'running'): string | undefined {
    const all = [...this.guests.values()].flatMap(({ running, first, others }) => [
      ...(running ? [running] : []),
      ...(which === 'any' ? [...first, ...others] : []),
    ]);
    return all[n % Math.max(all.length, 1)]?.id;
  }

  waiting(guest: string): number {
    const { first, others } = this.#of(guest);
    return first.length + others.length;
  }

  get running(): string[] {
    return [...this.guests]
      .flatMap(([guest, { running }]) => (running ? [`${guest}: ${running.id}, stage ${running.stage}`] : []))
      .sort();
  }

  /**
   * Describes the state without the ids of its jobs: two states with the same description behave alike, as long as no
   * call times out.
   */
  get description(): string {
    const names = (jobs: readonly ModelJob[]): string => jobs.map(({ action }) => action).join('+');
    return [...this.guests.values()]
      .map(({ running, first, others }) => {
        const ends = running?.endAt === undefined ? '' : ` ends in ${running.endAt - this.#now}`;
        const now = running ? `${running.action}/${running.stage}${ends}` : 'idle';
        return `${now} | ${names(first)} | ${names(others)}`;
      })
      .join('; ');
  }

  /** Returns the unfinished job that an action gets instead of one of its own. */
  joined(id: string, action: string): string | undefined {
    if (action !== 'delete') return undefined;
    const { running, first } = this.#of(id);
    return [running, ...first].find((job) => job?.action === action)?.id;
  }

  accept(id: string, job: ModelJob): void {
    const guest = this.#of(id);
    (isPreempting(job.action) ? guest.first : guest.others).push(job);
    if (guest.running && isPreempting(job.action)) guest.running.endAt ??= this.#now + GRACE_MS;
    if (job.action === 'poweroff') this.ended.push(...guest.others.splice(0).map((other) => other.id));
    this.#next(guest);
  }

  cancel(job: string): void {
    for (const guest of this.guests.values()) {
      guest.first = guest.first.filter(({ id }) => id !== job);
      guest.others = guest.others.filter(({ id }) => id !== job);
      if (guest.running?.id === job) guest.running = undefined;
      this.#next(guest);
    }
    this.ended.push(job);
  }

  respond(job: string, isSuccess: boolean): void {
    for (const [id, guest] of this.guests) {
      const { running } = guest;
      if (running?.id !== job) continue;
      if (isSuccess && running.stage + 1 < (STAGES[running.action]?.stages ?? 0)) {
        running.stage += 1;
        running.since = this.#now;
        return;
      }
      this.#end(guest);
      if (isSuccess && running.action === 'delete') {
        this.ended.push(...[...guest.first, ...guest.others].map((other) => other.id));
        this.guests.delete(id);
      } else this.#next(guest);
    }
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const guest of this.guests.values()) {
      const { running } = guest;
      if (!running) continue;
      const isOver = this.#now >= Math.min(running.endAt ?? Infinity, running.since + TIMEOUT_SECONDS * 1000);
      if (isOver) this.#end(guest);
      this.#next(guest);
    }
  }

  restart(): void {
    for (const guest of this.guests.values()) {
      const { running } = guest;
      if (running && !STAGES[running.action]?.idempotent) this.#end(guest);
      else if (running) {
        const { endAt: _, ...resumed } = running;
        guest.running = { ...resumed, since: this.#now };
        if (guest.first.length > 0) guest.running.endAt = this.#now + GRACE_MS;
      }
      this.#next(guest);
    }
  }

  #of(guest: string): ModelGuest {
    const found = this.guests.get(guest);
    if (!found) throw new Error(`no guest ${guest}`);
    return found;
  }

  #end(guest: ModelGuest): void {
    if (guest.running) this.ended.push(guest.running.id);
    guest.running = undefined;
  }

  #next(guest: ModelGuest): void {
    if (guest.running) return;
    const next = guest.first.shift() ?? guest.others.shift();
    if (next) guest.running = { ...next, stage: 0, since: this.#now };
  }
}
