export const AUTOSTART_POLICIES = ['never', 'always', 'last'] as const;
export type AutostartPolicy = (typeof AUTOSTART_POLICIES)[number];

export const HOST_DOWN_POLICIES = ['shutdown', 'save'] as const;
export type HostDownPolicy = (typeof HOST_DOWN_POLICIES)[number];

/** Whether and when a guest starts after a boot of its host. */
export interface Autostart {
  /** `last`: as it was before the host went down. */
  policy: AutostartPolicy;
  /** Guests with a lower one start before, and shut down after, those with a higher one or none. */
  order?: number;
  /** Seconds from this guest's start until guests of a later order start. */
  delay?: number;
  /** Seconds that it gets to shut down when the host goes down. */
  shutdownTimeout?: number;
  /** What becomes of it when the host goes down. `save` keeps its memory on disk, and its next start resumes it. */
  hostDown?: HostDownPolicy;
}

export const RESTART_POLICIES = ['never', 'on-failure', 'always'] as const;
export type RestartPolicy = (typeof RESTART_POLICIES)[number];

/** Whether a guest starts again after it failed. */
export interface Restart {
  /** `always` also restarts a container whose program exits without an error. */
  policy: RestartPolicy;
  /** The most restarts within `window`; with `always`, any number unless it says otherwise. */
  maxRetries?: number;
  /** Seconds. */
  window?: number;
}

/** What the agent remembers of a guest that may start by itself. */
export interface Intent {
  /** Whether the guest is meant to run: it was on when that was last known, and was not shut down or powered off. */
  power: 'on' | 'off';
  /** Whether it is off because its host goes down, which does not change what it is meant to be. */
  held?: boolean;
  /** Whether it waits for its start after a boot of the host. */
  pending?: boolean;
}

/** The starts by which the agent tried to bring a failed guest back. */
export interface Restarts {
  /** Within the window of the guest's policy, oldest first, in RFC 3339. */
  times: string[];
  /** When the next one is due. */
  next?: string;
  /** Why the last one failed, or why the agent has stopped restarting the guest. */
  problem?: string;
  /** Whether the agent has stopped restarting the guest until a client starts it. */
  ended?: boolean;
}

export const MAX_ORDER = 10_000;
export const MAX_DELAY_S = 3600;
export const DEFAULT_MAX_RETRIES = 5;
export const DEFAULT_WINDOW_S = 600;
export const MAX_RETRIES = 100;
export const MIN_WINDOW_S = 10;
export const MAX_WINDOW_S = 86_400;
