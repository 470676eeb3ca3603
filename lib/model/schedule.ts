// The browser console imports this file too: keep it free of Node and of other imports.

/** What a schedule does for each of its guests: take a snapshot, back it up, or verify one of its backups. */
export const SCHEDULE_ACTIONS = ['snapshot', 'backup', 'verify'] as const;
export type ScheduleAction = (typeof SCHEDULE_ACTIONS)[number];

/** What becomes of runs whose time passed while the agent was down: one run makes up for all of them, or none. */
export const MISSED_POLICIES = ['run', 'skip'] as const;
export type MissedPolicy = (typeof MISSED_POLICIES)[number];

/** The guests of a schedule: those of the ids, those with one of the tags, or all of the host. */
export interface ScheduleGuests {
  ids?: string[];
  tags?: string[];
  all?: boolean;
}

/** From the longest history to the shortest, the newest of so many periods is kept, and the newest of all. */
export const KEEP_RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly'] as const;
export type KeepRule = (typeof KEEP_RULES)[number];

/** How much of what a schedule makes is kept: what any rule keeps. */
export type Keep = { [Rule in KeepRule]?: number };

/** When something is done by itself, for which guests, and how long the results are kept. */
export interface Schedule {
  id: string;
  /** Unique on the host; names of snapshots begin with `auto-` and this name. */
  name: string;
  action: ScheduleAction;
  guests: ScheduleGuests;
  /** Five fields, or a nickname such as `@daily`. */
  cron: string;
  /** As in the IANA database, such as `Europe/Berlin`. */
  timezone: string;
  /** Without it, everything is kept. */
  keep?: Keep;
  missed: MissedPolicy;
  enabled: boolean;
}

/** A new schedule, with defaults for what is absent. */
export type ScheduleSpec = Pick<Schedule, 'name' | 'guests' | 'cron'> &
  Partial<Omit<Schedule, 'name' | 'guests' | 'cron'>>;

type Nullable<Part> = { [Key in keyof Part]?: Part[Key] | null };

/** A change of a schedule: a JSON merge patch (RFC 7396), in which `null` returns a key to its default. */
export interface SchedulePatch {
  name?: string;
  guests?: Nullable<ScheduleGuests>;
  cron?: string;
  timezone?: string | null;
  keep?: Nullable<Keep> | null;
  missed?: MissedPolicy | null;
  enabled?: boolean | null;
}

/** Why a run began: its time came, it makes up for missed ones, or a client asked for it. */
export const RUN_CAUSES = ['time', 'missed', 'request'] as const;
export type RunCause = (typeof RUN_CAUSES)[number];

export const RUN_OUTCOMES = ['running', 'success', 'error'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

/** A run that did not take place. */
export interface SkippedRun {
  /** When it should have begun. */
  due: string;
  reason: string;
}

/** The last run of a schedule for one guest. Times are RFC 3339. */
export interface GuestRun {
  guest: string;
  /** When it should have begun. */
  due: string;
  cause: RunCause;
  outcome: RunOutcome;
  job?: string;
  ended?: string;
  /** Why it failed, or what retention could not delete. */
  message?: string;
}

/** What a schedule has done for one guest. */
export interface ScheduleGuest {
  guest: string;
  /** Whether the next run includes it. */
  selected: boolean;
  /** Absent before the first one. */
  run?: GuestRun;
  /** The last run that did not take place for this guest alone, since the last that did. */
  skipped?: SkippedRun;
  /** The time of the last successful run. */
  good?: string;
  /** The names of snapshots, or the ids of backups, that it made and has not deleted, oldest first. */
  kept: string[];
  /** Which of these retention would delete now. */
  expired: string[];
}

/** The last time at which a schedule began. */
export interface LastRun {
  due: string;
  outcome: RunOutcome;
  /** How many guests that run has, by outcome. */
  guests: Record<RunOutcome, number>;
}

/** A schedule as clients see it. */
export interface ScheduleStatus extends Schedule {
  /** Absent while it is disabled. */
  next?: string;
  last?: LastRun;
  /** The last time at which it should have begun and did not, since the last at which it did. */
  skipped?: SkippedRun;
}

/** The same with its guests. */
export interface ScheduleDetails extends ScheduleStatus {
  status: ScheduleGuest[];
}
