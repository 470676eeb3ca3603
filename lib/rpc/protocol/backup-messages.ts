import Joi from 'joi';
import {
  type BackedUpDisk,
  type Backup,
  backupDiskNameSchema,
  backupIdSchema,
  completeBackupSchema,
} from '../../model/backup.js';
import type { Guest } from '../../model/guest.js';
import { guestIdSchema, guestSchema } from '../../model/guest-schemas.js';
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

/** A disk of a backup, and the disk of the guest that gets its content. */
export interface RestoredDisk {
  disk: string;
  target: string;
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

/** `Backup.Create`. */
export interface CreateBackupRequest extends GuestBackupRequest {
  source: BackupSource;
}

/** `ImageStore.OpenRestore`. */
export interface OpenRestoreRequest extends GuestBackupRequest {
  restore: RestorePlan;
}

export interface OpenRestoreResponse extends GuestResponse {
  target: RestoreTarget;
}

/** `Backup.Restore`: writes these disks of the backup, and its small files where `files` says so. */
export interface RestoreBackupRequest extends GuestBackupRequest {
  target: RestoreTarget;
  disks: RestoredDisk[];
  /** Whether the small files are restored too; they are not when only some disks are. */
  files: boolean;
}

/** `Backup.Get`, `Backup.Delete` and `Backup.Verify`. */
export interface BackupRequest {
  backup: string;
}

export interface BackupResponse {
  backup: Backup;
  /** Anything worth knowing about it. */
  message?: string;
}

/** The response of `Backup.Get`. */
export interface BackupDetailsResponse extends BackupResponse {
  /** The guest as it was stored when it was backed up, with its metadata. */
  record: Guest;
  /** The small files that it has besides its disks. */
  files: { name: string }[];
}

/** `Backup.List`. */
export interface BackupsRequest {
  /** The id of a guest; those of all guests when absent. */
  guest?: string;
}

export interface BackupsResponse {
  backups: Backup[];
}

/** `Backup.Prune`, whose response has a message. */
export type PruneRequest = Record<never, never>;

export interface PruneResponse {
  message?: string;
}

/** A request for the bytes of a disk of a backup, which opens a stream. */
export interface BackupDiskRequest extends BackupRequest {
  disk: string;
}

const socket = Joi.string().required();
const diskKeys = { disk: backupDiskNameSchema.required(), size: Joi.number().min(0).required() };

const filesSchema = Joi.array().items(Joi.object({ name: Joi.string().required() }).unknown());

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

export const createBackupRequestSchema = guestBackupRequestSchema.append<CreateBackupRequest>({
  source: backupSourceSchema.required(),
});

export const openRestoreRequestSchema = guestBackupRequestSchema.append<OpenRestoreRequest>({
  restore: Joi.object<RestorePlan>({
    disks: Joi.array().items(Joi.object<BackedUpDisk>(diskKeys).unknown()).required(),
    files: filesSchema.required(),
  })
    .unknown()
    .required(),
});

export const restoreBackupRequestSchema = guestBackupRequestSchema.append<RestoreBackupRequest>({
  target: restoreTargetSchema.required(),
  disks: Joi.array()
    .items(
      Joi.object<RestoredDisk>({
        disk: backupDiskNameSchema.required(),
        target: backupDiskNameSchema.required(),
      }),
    )
    .required(),
  files: Joi.boolean().required(),
});

export const backupRequestSchema = Joi.object<BackupRequest>({ backup: backupIdSchema.required() }).unknown();

export const backupsRequestSchema = Joi.object<BackupsRequest>({ guest: guestIdSchema }).unknown();

export const backupDiskRequestSchema = backupRequestSchema.append<BackupDiskRequest>({
  disk: backupDiskNameSchema.required(),
});

export const pruneRequestSchema = Joi.object<PruneRequest>({}).unknown();

export const backupResponseSchema = Joi.object<BackupResponse>({
  backup: completeBackupSchema.unknown().required(),
}).unknown();

export const backupDetailsResponseSchema = backupResponseSchema.append<BackupDetailsResponse>({
  record: guestSchema.unknown().required(),
  files: filesSchema.required(),
});

export const backupsResponseSchema = Joi.object<BackupsResponse>({
  backups: Joi.array().items(completeBackupSchema.unknown()).allow(null).required(),
}).unknown();
