import type { ErrorKind, Failure } from '../errors.js';
import type { ActionOfTask, Creation, GuestTask } from '../model/actions.js';
import type { IdempotentRequest } from '../model/idempotent-request.js';
import type { Job } from '../model/job.js';
import type { RestorePlan } from '../rpc/protocol/backup-disk-messages.js';
import type { RestoredDisk } from '../rpc/protocol/backup-messages.js';
import type { StageArgs } from '../rpc/protocol/calls.js';
import type { GuestChange } from '../rpc/protocol/guest-messages.js';
import type { ImageRequest } from '../rpc/protocol/image-messages.js';
import type { SnapshotRequest } from '../rpc/protocol/snapshot-messages.js';
import type { VolumeRequest } from '../rpc/protocol/volume-messages.js';

/** What a restore writes where. */
export interface RestoreWork {
  /** The id of the backup. */
  backup: string;
  restore: RestorePlan;
  disks: RestoredDisk[];
  /** Whether the small files are restored too. */
  files: boolean;
}

/** The work of a job, stored with it so that a restart does not lose it. The job's Action selects the pipeline. */
export type Task =
  | {
      kind: 'guest';
      name: Creation | GuestTask;
      args?: StageArgs;
      change?: GuestChange;
      /** Whether the guest starts once it is there. */
      start?: boolean;
      /** A remark on the guest, once it is there. */
      note?: string;
    }
  | { kind: 'image'; request: ImageRequest }
  | { kind: 'volume'; request: VolumeRequest }
  | { kind: 'snapshot'; request: SnapshotRequest }
  | { kind: 'backup'; name: Exclude<ActionOfTask<'backup'>, 'pruneBackups'>; backup: string; guest: string }
  | { kind: 'backup'; name: 'pruneBackups'; backup?: never; guest?: never }
  | {
      kind: 'volumeBackup';
      name: ActionOfTask<'volumeBackup'>;
      backup: string;
      /** The volume that is backed up, or made. */
      volume: string;
      /** The labels of a volume that is made. */
      labels?: Record<string, string>;
    }
  | { kind: 'restore'; name: ActionOfTask<'restore'>; request: RestoreWork; start?: boolean };

/**
 * A request with an idempotency key, stored with its job. Results are JSON text, because users may have chosen their
 * keys.
 */
export interface KeyedRequest extends IdempotentRequest {
  /** The result for a client that does not wait for the job. */
  pending: string;
  /** The result or the kind of error, once the job has ended. */
  outcome?: { answer: string } | { kind: ErrorKind };
}

/** What the stages of a job's pipeline leave to those after them. */
export interface StageProgress {
  /** What their responses pass on, by key. */
  carried?: Readonly<Record<string, object>>;
  /** The first error. From then on only stages run that always do. */
  failure?: Failure;
}

/** A job with what a restart needs to resume it. */
export interface LoggedJob extends StageProgress {
  job: Job;
  task: Task;
  /** The current stage of its pipeline, from 0. */
  stage: number;
  /** The progress last reported, 0 to 100; absent when no sub-agent reported it. */
  percent?: number;
  request?: KeyedRequest;
}
