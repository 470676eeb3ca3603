export const JOB_STATUSES = ['Queued', 'Running', 'Complete', 'Error'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** An async action in the job log, as the wire has it. Times are RFC 3339. */
export interface Job {
  ID: string;
  /** The guest's id, or `agent` for an image action. */
  GuestID: string;
  Action: string;
  QueuedAt: string;
  StartedAt: string;
  UpdatedAt: string;
  Status: JobStatus;
  Message: string;
}

/** A time that has not come: Go's zero time, which the original's clients know. */
export const NO_TIME = '0001-01-01T00:00:00Z';

/** The runner that image actions run on, and the GuestID of their jobs. */
export const AGENT_RUNNER = 'agent';

export const isFinished = (job: Job): boolean => job.Status === 'Complete' || job.Status === 'Error';
