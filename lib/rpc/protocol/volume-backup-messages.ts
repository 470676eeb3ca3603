import Joi from 'joi';
import { backupIdSchema } from '../../model/backup.js';
import { volumeNameSchema } from '../../model/volume.js';
import {
  completeVolumeBackupSchema,
  type VolumeBackup,
  volumeConsistencySchema,
  volumeLabelsSchema,
} from '../../model/volume-backup.js';

/** A new backup of a volume, whose files follow as a tar archive. */
export interface StoreVolumeRequest
  extends Pick<VolumeBackup, 'volume' | 'created' | 'consistency' | 'labels'> {
  backup: string;
}

/** `Backup.ListVolumes`. */
export interface VolumeBackupsRequest {
  /** The name of a volume; the backups of all volumes when absent. */
  volume?: string;
}

export interface VolumeBackupResponse {
  backup: VolumeBackup;
  /** Anything worth knowing about it. */
  message?: string;
}

export interface VolumeBackupsResponse {
  backups: VolumeBackup[];
}

export const storeVolumeRequestSchema = Joi.object<StoreVolumeRequest>({
  backup: backupIdSchema.required(),
  volume: volumeNameSchema.required(),
  created: Joi.string().isoDate().required(),
  consistency: volumeConsistencySchema.required(),
  labels: volumeLabelsSchema,
}).unknown();

export const volumeBackupsRequestSchema = Joi.object<VolumeBackupsRequest>({
  volume: volumeNameSchema,
}).unknown();

export const volumeBackupResponseSchema = Joi.object<VolumeBackupResponse>({
  backup: completeVolumeBackupSchema.unknown().required(),
}).unknown();

export const volumeBackupsResponseSchema = Joi.object<VolumeBackupsResponse>({
  backups: Joi.array().items(completeVolumeBackupSchema.unknown()).allow(null).required(),
}).unknown();
