import type { Happening } from '../../model/event.js';
import type { Guest } from '../../model/guest.js';
import { isFinished, type Job } from '../../model/job.js';
import { pages } from './api.js';

const PAGE = 500;
/** Of those that have ended; older ones the agent forgets as well. */
const MAX_ENDED_JOBS = 2000;

export interface JobState {
  job: Job;
  /** How far it is, where its sub-agent says so. */
  percent: number | undefined;
}

export type Kind = 'guests' | 'jobs' | 'images' | 'services' | 'metrics';
type Listener = (kinds: ReadonlySet<Kind>) => void;

/** What the page knows of the host. Views are told of changes once a frame, however many there are. */
class Store {
  readonly guests = new Map<string, Guest>();
  readonly jobs = new Map<string, JobState>();
  /** Whether all guests are there. */
  isLoaded = false;
  /** Why a sub-agent is down, by its name. */
  readonly down = new Map<string, string>();
  #loading: Promise<void> = Promise.resolve();
  /** What happened since the lists began to be read. */
  #meanwhile: Happening[] | undefined;
  readonly #active = new Map<string, JobState>();
  readonly #listeners = new Set<Listener>();
  readonly #changed = new Set<Kind>();

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  touch(kind: Kind): void {
    if (this.#changed.size === 0) requestAnimationFrame(() => this.#tell());
    this.#changed.add(kind);
  }

  apply(happening: Happening): void {
    this.#meanwhile?.push(happening);
    switch (happening.kind) {
      case 'guest':
        if (happening.change === 'deleted') this.guests.delete(happening.id);
        else this.guests.set(happening.id, happening.guest);
        this.touch('guests');
        break;
      case 'job':
        this.#setJob({ job: happening.job, percent: happening.percent });
        break;
      case 'image':
        this.touch('images');
        break;
      case 'service':
        if (happening.change === 'up') this.down.delete(happening.id);
        else this.down.set(happening.id, happening.reason ?? '');
        this.touch('services');
        break;
    }
  }

  /** Reads the lists. What happens meanwhile is applied once more at the end: a page may be older than its event. */
  load(): Promise<void> {
    this.#loading = this.#loading.catch(() => {}).then(() => this.#load());
    return this.#loading;
  }

  nameOf(id: string): string {
    return this.guests.get(id)?.metadata?.name || id;
  }

  /** Those that wait or run. */
  get active(): ReadonlyMap<string, JobState> {
    return this.#active;
  }

  /** The job that each guest is busy with: the oldest of those that have not ended. */
  activeByGuest(): Map<string, JobState> {
    const found = new Map<string, JobState>();
    for (const state of this.#active.values()) {
      const { GuestID, QueuedAt } = state.job;
      const other = found.get(GuestID);
      if (!other || QueuedAt < other.job.QueuedAt) found.set(GuestID, state);
    }
    return found;
  }

  /** Newest first. */
  jobList(guestId?: string): JobState[] {
    const all = [...this.jobs.values()];
    const some = guestId === undefined ? all : all.filter(({ job }) => job.GuestID === guestId);
    return some.sort((one, other) => (one.job.QueuedAt < other.job.QueuedAt ? 1 : -1));
  }

  async #load(): Promise<void> {
    const meanwhile: Happening[] = [];
    this.#meanwhile = meanwhile;
    try {
      // Both to their ends: what one still reads when they are read again would be older than what is known by then.
      const lists = await Promise.allSettled([this.#loadGuests(), this.#loadJobs()]);
      for (const list of lists) if (list.status === 'rejected') throw list.reason;
    } finally {
      this.#meanwhile = undefined;
      for (const happening of meanwhile) this.apply(happening);
    }
    this.touch('images');
    this.touch('services');
  }

  async #loadGuests(): Promise<void> {
    const seen = new Set<string>();
    for await (const page of pages<Guest>('/guests', PAGE)) {
      for (const guest of page) {
        this.guests.set(guest.id, guest);
        seen.add(guest.id);
      }
      this.touch('guests');
    }
    for (const id of this.guests.keys()) if (!seen.has(id)) this.guests.delete(id);
    this.isLoaded = true;
    this.touch('guests');
  }

  async #loadJobs(): Promise<void> {
    for await (const page of pages<Job>('/jobs', PAGE))
      for (const job of page) this.#setJob({ job, percent: this.jobs.get(job.ID)?.percent });
  }

  #setJob(state: JobState): void {
    const { ID } = state.job;
    this.jobs.set(ID, state);
    if (isFinished(state.job)) this.#active.delete(ID);
    else this.#active.set(ID, state);
    if (this.jobs.size - this.#active.size > MAX_ENDED_JOBS) this.#forgetOldest();
    this.touch('jobs');
  }

  #forgetOldest(): void {
    const ended = this.jobList().filter(({ job }) => isFinished(job));
    for (const { job } of ended.slice(MAX_ENDED_JOBS / 2)) this.jobs.delete(job.ID);
  }

  #tell(): void {
    const changed = new Set(this.#changed);
    this.#changed.clear();
    for (const listener of this.#listeners) listener(changed);
  }
}

export const store = new Store();
