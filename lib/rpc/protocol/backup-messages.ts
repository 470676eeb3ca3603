import Joi from 'joi';
import {
  type Backup,
  backupDiskNameSchema,
  backupIdSchema,
  completeBackupSchema,
} from '../../model/backup.js';
import type { Guest } from '../../model/guest.js';
import { guestIdSchema, guestSchema } from '../../model/guest-schemas.js';
import {
  type BackupSource,
  backupSourceSchema,
  filesSchema,
  type GuestBackupRequest,
  guestBackupRequestSchema,
  type RestoreTarget,
  restoreTargetSchema,
} from './backup-disk-messages.js';
import { type DiskWish, diskWishKeys } from './disk-download.js';

/** A disk of a backup, and the disk of the guest that gets its content. */
export interface RestoredDisk {
  disk: string;
  target: string;
}

/** `Backup.Create`. */
export interface CreateBackupRequest extends GuestBackupRequest {
  source: BackupSource;
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
export interface BackupDiskRequest extends BackupRequest, DiskWish {
  disk: string;
}

export const createBackupRequestSchema = guestBackupRequestSchema.append<CreateBackupRequest>({
  source: backupSourceSchema.required(),
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
  ...diskWishKeys,
});

export const pruneRequestSchema = Joi.object<PruneRequest>({}).unknown();

const backupResponseSchema = Joi.object<BackupResponse>({
  backup: completeBackupSchema.unknown().required(),
}).unknown();

export const backupDetailsResponseSchema = backupResponseSchema.append<BackupDetailsResponse>({
  record: guestSchema.unknown().required(),
  files: filesSchema.required(),
});

export const backupsResponseSchema = Joi.object<BackupsResponse>({
  backups: Joi.array().items(completeBackupSchema.unknown()).allow(null).required(),
}).unknown();
