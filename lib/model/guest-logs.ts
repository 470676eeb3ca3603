export const LOG_STREAMS = ['stdout', 'stderr'] as const;

/** Which part of a guest's output to read. */
export interface LogsQuery {
  /** Whether to go on with what the guest prints from now on. */
  follow?: boolean;
  /** How many of the last lines to begin with; all of them when absent. */
  tail?: number;
  /** Leaves out what is older: a time of RFC 3339. Containers only, in whole seconds. */
  since?: string;
  /** Whether each line begins with its time. Containers only. */
  timestamps?: boolean;
  /** One of the two outputs; both when absent. Containers only. */
  stream?: (typeof LOG_STREAMS)[number];
}

/** What only the output of a container has. */
export const CONTAINER_LOGS_KEYS = ['since', 'timestamps', 'stream'] as const satisfies (keyof LogsQuery)[];
