import type { EventBody } from '../../model/event.js';
import type { Guest } from '../../model/guest.js';
import { isFinished, type Job } from '../../model/job.js';
import type { ServiceStatus } from '../../model/service-status.js';
import { get, pages } from './api.js';

const PAGE = 500;
/** Ended jobs to keep. */
const MAX_ENDED_JOBS = 2000;

export interface JobState {
  job: Job;
  /** Progress, where the sub-agent reports it. */
  percent: number | undefined;
}

export type Kind =
  | 'guests'
  | 'jobs'
  | 'images'
  | 'volumes'
  | 'backups'
  | 'schedules'
  | 'services'
  | 'metrics'
  | 'addresses';
type Listener = (kinds: ReadonlySet<Kind>) => void;

/** The page's copy of the host's state. Notifies listeners at most once a frame. */
class Store {
  readonly guests = new Map<string, Guest>();
  readonly jobs = new Map<string, JobState>();
  /** Whether the list of guests has been read completely. */
  isLoaded = false;
  /** Whether the list of jobs has. */
  areJobsLoaded = false;
  /** The sub-agents that are down, with the reason. */
  readonly down = new Map<string, string>();
  /** What the sub-agent of each service looks after, in words, by the service's name. */
  readonly #parts = new Map<string, string>();
  #loading: Promise<void> = Promise.resolve();
  /** Events since the current load began. */
  #sinceLoad: EventBody[] | undefined;
  readonly #active = new Map<string, JobState>();
  readonly #listeners = new Set<Listener>();
  readonly #changed = new Set<Kind>();

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  touch(kind: Kind): void {
    if (this.#changed.size === 0) requestAnimationFrame(() => this.#notify());
    this.#changed.add(kind);
  }

  apply(event: EventBody): void {
    this.#sinceLoad?.push(event);
    switch (event.kind) {
      case 'guest':
        if (event.change === 'deleted') this.guests.delete(event.id);
        else this.guests.set(event.id, event.guest);
        this.touch('guests');
        if (event.change !== 'changed') this.touch('volumes');
        break;
      case 'job':
        this.#setJob({ job: event.job, percent: event.percent });
        if (event.change === 'ended') this.#touchPruned(event.job);
        break;
      case 'image':
        this.touch('images');
        break;
      case 'volume':
        this.touch('volumes');
        break;
      case 'backup':
        this.touch('backups');
        break;
      case 'schedule':
        this.touch('schedules');
        break;
      case 'service':
        if (event.change === 'up') this.down.delete(event.id);
        else this.down.set(event.id, event.reason ?? '');
        this.touch('services');
        break;
    }
  }

  /** Reads the lists, then reapplies the events that arrived meanwhile: a page may be older than an event. */
  load(): Promise<void> {
    this.#loading = this.#loading.catch(() => {}).then(() => this.#load());
    return this.#loading;
  }

  nameOf(id: string): string {
    return this.guests.get(id)?.metadata?.name || id;
  }

  /** What the sub-agent of a service looks after, in words. */
  partOf(service: string): string {
    return this.#parts.get(service) ?? service;
  }

  /** Queued and running jobs. */
  get active(): ReadonlyMap<string, JobState> {
    return this.#active;
  }

  /** The oldest job of each guest that has not ended. */
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
    const events: EventBody[] = [];
    this.#sinceLoad = events;
    try {
      // Wait for both even when one fails: a list still being read during the next load would overwrite newer state.
      const lists = await Promise.allSettled([this.#loadGuests(), this.#loadJobs(), this.#loadServices()]);
      for (const list of lists) if (list.status === 'rejected') throw list.reason;
    } finally {
      this.#sinceLoad = undefined;
      for (const event of events) this.apply(event);
    }
    this.touch('images');
    this.touch('volumes');
    this.touch('backups');
    this.touch('schedules');
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
    this.areJobsLoaded = true;
    this.touch('jobs');
  }

  async #loadServices(): Promise<void> {
    const services = await get<ServiceStatus[]>('/services');
    this.down.clear();
    for (const { name, part, up, reason } of services) {
      this.#parts.set(name, part);
      if (!up) this.down.set(name, reason ?? '');
    }
  }

  #setJob(state: JobState): void {
    const { ID } = state.job;
    this.jobs.set(ID, state);
    if (isFinished(state.job)) this.#active.delete(ID);
    else this.#active.set(ID, state);
    if (this.jobs.size - this.#active.size > MAX_ENDED_JOBS) this.#forgetOldest();
    this.touch('jobs');
  }

  /** A prune has no event for each thing that it deletes. */
  #touchPruned({ Action }: Job): void {
    if (Action === 'pruneVolumes') this.touch('volumes');
    if (Action === 'containerPruneImages') this.touch('images');
  }

  #forgetOldest(): void {
    const ended = this.jobList().filter(({ job }) => isFinished(job));
    for (const { job } of ended.slice(MAX_ENDED_JOBS / 2)) this.jobs.delete(job.ID);
  }

  #notify(): void {
    const changed = new Set(this.#changed);
    this.#changed.clear();
    for (const listener of this.#listeners) listener(changed);
  }
}

export const store = new Store();
