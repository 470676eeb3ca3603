export const JOB_STATUSES = ['Queued', 'Running', 'Complete', 'Error'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/**
 * Why the agent queued a job by itself: a start after a boot of the host, one after a failure of the guest, a shutdown
 * because the host goes down, or a schedule.
 */
export const JOB_CAUSES = ['autostart', 'restart', 'host-down', 'schedule'] as const;
export type JobCause = (typeof JOB_CAUSES)[number];

/** An async action in the job log, in the shape of the API. Times are RFC 3339. */
export interface Job {
  ID: string;
  /** The guest's id, or `agent` for an action that concerns no guest of the host. */
  GuestID: string;
  Action: string;
  QueuedAt: string;
  StartedAt: string;
  UpdatedAt: string;
  Status: JobStatus;
  Message: string;
  /** The guest's name when the job was queued, which is still known when the guest is deleted. */
  GuestName?: string;
  /** The image of an image action, or that a new guest is made from. */
  ImageID?: string;
  /** The snapshot of an action on a snapshot. */
  SnapshotName?: string;
  /** The backup of an action on a backup. */
  BackupID?: string;
  /** The volume of an action on a volume. */
  VolumeID?: string;
  /** Why the agent queued it by itself; absent when a client did. */
  Cause?: JobCause;
  /** The name of the client that requested it; absent when the agent queued it by itself. */
  RequestedBy?: string;
}

/** The StartedAt of a job that has not started: Go's zero time, as in the original API. */
export const NO_TIME = '0001-01-01T00:00:00Z';

/** The runner of actions that concern no single guest, and the GuestID of their jobs. */
export const AGENT_RUNNER = 'agent';

export const isFinished = (job: Job): boolean => job.Status === 'Complete' || job.Status === 'Error';
