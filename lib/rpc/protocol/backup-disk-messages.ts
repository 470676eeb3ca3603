import Joi from 'joi';
import { type BackedUpDisk, backupDiskNameSchema, backupIdSchema } from '../../model/backup.js';
import type { Consistency } from '../../model/snapshot.js';
import { type GuestRequest, type GuestResponse, guestRequestSchema } from './guest-messages.js';

/** A disk to read, as a read-only NBD export. */
export interface SourceDisk extends BackedUpDisk {
  /** The path of the unix socket of its NBD server. */
  socket: string;
  export: string;
  /** The NBD meta context that says what has changed since the backup `since`; absent when that is unknown. */
  bitmap?: string;
  /** The id of the last backup that `CloseBackup` confirmed. */
  since?: string;
  /** Why everything must be read, in words. */
  whole?: string;
}

/** A guest's disks and small files at one moment. The agent passes it from the storage to the repository as it is. */
export interface BackupSource {
  consistency: Consistency;
  /** RFC 3339. */
  moment: string;
  disks: SourceDisk[];
  /** Copies of small files, such as `nvram.qcow2` or `tpm/…`. */
  files: { name: string; path: string }[];
}

/** A disk to write, as an NBD export. */
export interface TargetDisk extends BackedUpDisk {
  socket: string;
  export: string;
}

/** Where a restore writes to. The agent passes it from the storage to the repository as it is. */
export interface RestoreTarget {
  disks: TargetDisk[];
  /** A directory for the small files. */
  filesDir: string;
}

/** The disks and files that a restore will write. */
export interface RestorePlan {
  disks: BackedUpDisk[];
  files: { name: string }[];
}

/** Whether the stages before one with `"always": true` have succeeded. */
export type Outcome = 'succeeded' | 'failed';

/** A request about a backup of a guest: `ImageStore.OpenBackup`. */
export interface GuestBackupRequest extends GuestRequest {
  /** The id of the backup. */
  backup: string;
}

export interface OpenBackupResponse extends GuestResponse {
  source: BackupSource;
}

/** `ImageStore.CloseBackup` and `ImageStore.CloseRestore`. */
export interface CloseRequest extends GuestBackupRequest {
  outcome: Outcome;
}

/** `ImageStore.OpenRestore`. */
export interface OpenRestoreRequest extends GuestBackupRequest {
  restore: RestorePlan;
}

export interface OpenRestoreResponse extends GuestResponse {
  target: RestoreTarget;
}

const socket = Joi.string().required();
const diskKeys = { disk: backupDiskNameSchema.required(), size: Joi.number().min(0).required() };

/** The names of small files. */
export const filesSchema = Joi.array().items(Joi.object({ name: Joi.string().required() }).unknown());

export const backupSourceSchema = Joi.object<BackupSource>({
  consistency: Joi.string().valid('crash', 'filesystem').required(),
  moment: Joi.string().isoDate().required(),
  disks: Joi.array()
    .items(
      Joi.object<SourceDisk>({
        ...diskKeys,
        socket,
        export: Joi.string().required(),
        bitmap: Joi.string(),
        since: backupIdSchema,
        whole: Joi.string(),
      }).unknown(),
    )
    .required(),
  files: Joi.array()
    .items(Joi.object({ name: Joi.string().required(), path: Joi.string().required() }).unknown())
    .required(),
}).unknown();

export const restoreTargetSchema = Joi.object<RestoreTarget>({
  disks: Joi.array()
    .items(Joi.object<TargetDisk>({ ...diskKeys, socket, export: Joi.string().required() }).unknown())
    .required(),
  filesDir: Joi.string().required(),
}).unknown();

export const guestBackupRequestSchema = guestRequestSchema.append<GuestBackupRequest>({
  backup: backupIdSchema.required(),
});

export const closeRequestSchema = guestBackupRequestSchema.append<CloseRequest>({
  outcome: Joi.string().valid('succeeded', 'failed').required(),
});

export const openRestoreRequestSchema = guestBackupRequestSchema.append<OpenRestoreRequest>({
  restore: Joi.object<RestorePlan>({
    disks: Joi.array().items(Joi.object<BackedUpDisk>(diskKeys).unknown()).required(),
    files: filesSchema.required(),
  })
    .unknown()
    .required(),
});
