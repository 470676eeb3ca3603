import Joi from 'joi';
import { backupIdSchema, type Verification, verificationSchema } from './backup.js';
import { volumeNameSchema } from './volume.js';

/**
 * How the files of a volume stand to each other: `still` when no container that has it mounted ran while they were read,
 * `changing` when one ran, so that they may be of different moments.
 */
export type VolumeConsistency = 'still' | 'changing';

/** A backup of a volume of containers in the repository. */
export interface VolumeBackup {
  /** A UUID. */
  id: string;
  /** The name of the volume. */
  volume: string;
  /** The name of the host that made it. */
  host: string;
  /** When the first file was read: RFC 3339. */
  created: string;
  consistency: VolumeConsistency;
  /** The labels of the volume. */
  labels?: Record<string, string>;
  /** The bytes of the files as an archive; another host may not know them. */
  size?: number;
  /** The bytes that the backup added to the repository; another host may not know them. */
  stored?: number;
  verified?: Verification;
  /** What is wrong with it, in words. */
  problem?: string;
}

/** A backup that is being made has no more than its id and its volume. */
export type PendingVolumeBackup = Pick<VolumeBackup, 'id' | 'volume'> & Partial<VolumeBackup>;

/** What a restore makes of a backup of a volume. */
export interface VolumeRestore {
  /** The name of the new volume; by default that of the volume that was backed up. */
  volume?: string;
}

export const volumeConsistencySchema = Joi.string<VolumeConsistency>()
  .valid('still', 'changing')
  .description(
    '`still`: no container that has it mounted ran meanwhile; `changing`: one ran, so its files may be of different moments',
  );

export const volumeLabelsSchema = Joi.object<Record<string, string>>().pattern(
  Joi.string(),
  Joi.string().allow(''),
);

/** A backup as clients see it. Only its id and its volume are there while it is being made. */
export const volumeBackupSchema = Joi.object<PendingVolumeBackup>({
  id: backupIdSchema.required(),
  volume: volumeNameSchema.required(),
  host: Joi.string().allow('').description('The name of the host that made it'),
  created: Joi.string()
    .isoDate()
    .description('When the first file was read')
    .example('2026-01-31T12:00:00.000Z'),
  consistency: volumeConsistencySchema,
  labels: volumeLabelsSchema.description('The labels of the volume'),
  size: Joi.number().min(0).description('The bytes of the files as an archive'),
  stored: Joi.number().min(0).description('The bytes that it added to the repository'),
  verified: verificationSchema,
  problem: Joi.string().allow('').description('What is wrong with it'),
}).label('volume backup');

/** A complete backup, as its sub-agent describes it. */
export const completeVolumeBackupSchema = volumeBackupSchema.fork(['host', 'created', 'consistency'], (key) =>
  key.required(),
);

export const volumeRestoreSchema = Joi.object<VolumeRestore>({
  volume: volumeNameSchema
    .allow('', null)
    .empty(['', null])
    .description('The name of the new volume; by default that of the volume that was backed up'),
}).label('volume restore');
