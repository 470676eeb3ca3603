import type { GuestRun, RunCause, Schedule, SkippedRun } from '../model/schedule.js';
import { Collection } from './nedb/collection.js';

/** A schedule with what the agent remembers of its times. */
export interface StoredSchedule {
  schedule: Schedule;
  /** Up to this time, in milliseconds since 1970, every time at which it was due is dealt with. */
  decided: number;
  skipped?: SkippedRun;
}

/** The mark of something that a schedule has made: only what has one is ever deleted by retention. */
export interface MadeByRun {
  name: string;
  /** When its run was due. */
  due: string;
  /** When it was made, as its sub-agent says: something of the same name with another time is not the schedule's. */
  created?: string;
}

/** A run that has not ended. It is stored before anything is done, so that a restart neither repeats nor forgets it. */
export interface CurrentRun {
  due: string;
  cause: RunCause;
  /** The name of what it makes. */
  name: string;
  /** The job that makes it, once there is one. */
  job?: string;
}

/** What the agent remembers of one guest of a schedule. */
export interface StoredGuest {
  guest: string;
  current?: CurrentRun;
  /** The last run that has ended. */
  last?: GuestRun;
  skipped?: SkippedRun;
  /** The time of the last successful run. */
  good?: string;
  /** When the schedule first did something for the guest. */
  since: string;
  /** Oldest first. */
  made: MadeByRun[];
}

/** In one collection, so that a run of many guests is stored at once, all or none. */
type Stored = { kind: 'schedule'; value: StoredSchedule } | { kind: 'guest'; value: StoredGuest };

const guestKey = (schedule: string, guest: string): string => `${schedule}/${guest}`;

/** The schedules of this host, and what they have done for each guest. Treat the returned objects as frozen. */
export class ScheduleStore {
  readonly #collection: Collection<Stored>;

  private constructor(collection: Collection<Stored>) {
    this.#collection = collection;
  }

  static async open(filename: string): Promise<ScheduleStore> {
    return new ScheduleStore(await Collection.open<Stored>(filename));
  }

  /** Returns all schedules in the order of their creation. */
  list(): StoredSchedule[] {
    return this.#collection.values().flatMap(({ kind, value }) => (kind === 'schedule' ? [value] : []));
  }

  find(id: string): StoredSchedule | undefined {
    const stored = this.#collection.get(id);
    return stored?.kind === 'schedule' ? stored.value : undefined;
  }

  findGuest(id: string, guest: string): StoredGuest | undefined {
    const stored = this.#collection.get(guestKey(id, guest));
    return stored?.kind === 'guest' ? stored.value : undefined;
  }

  /** Returns all guests for which a schedule has done something. */
  guestsOf(id: string): StoredGuest[] {
    return this.#collection
      .entries()
      .flatMap(([key, { kind, value }]) => (kind === 'guest' && key.startsWith(`${id}/`) ? [value] : []));
  }

  /** Stores a schedule and some of its guests: all of it or nothing, even when the agent is killed. */
  put(schedule: StoredSchedule, guests: readonly StoredGuest[] = []): Promise<void> {
    const { id } = schedule.schedule;
    const documents = guests.map((value): [string, Stored] => [
      guestKey(id, value.guest),
      { kind: 'guest', value },
    ]);
    return this.#collection.putAll(new Map([[id, { kind: 'schedule', value: schedule }], ...documents]));
  }

  /** Replaces what is known of a guest; does nothing when the schedule or the guest is no longer there. */
  async updateGuest(id: string, guest: string, change: (current: StoredGuest) => StoredGuest): Promise<void> {
    await this.#collection.update(guestKey(id, guest), (current) =>
      current.kind === 'guest' ? { kind: 'guest', value: change(current.value) } : current,
    );
  }

  /** Removes a schedule and all that is known of its guests. */
  remove(id: string): Promise<void> {
    const keys = this.guestsOf(id).map(({ guest }) => guestKey(id, guest));
    return this.#collection.putAll(new Map([id, ...keys].map((key) => [key, undefined])));
  }

  /** Forgets a guest that was deleted. */
  removeGuest(guest: string): Promise<void> {
    return this.#collection.remove(...this.list().map(({ schedule }) => guestKey(schedule.id, guest)));
  }

  /** Rejects further writes. Resolves when the accepted ones are on disk. */
  close(): Promise<void> {
    return this.#collection.close();
  }
}
