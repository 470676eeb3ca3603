import Joi from 'joi';
import { guestIdSchema } from './guest-schemas.js';
import type { Consistency } from './snapshot.js';
import { uuid } from './uuid.js';

/** A disk in a backup: its number as text, such as `0`, and its size in bytes. */
export interface BackedUpDisk {
  disk: string;
  size: number;
}

/** The last time that a backup was read completely and compared with what was written. */
export interface Verification {
  /** RFC 3339. */
  at: string;
  ok: boolean;
}

/** A backup of a whole guest in the repository. */
export interface Backup {
  /** A UUID. */
  id: string;
  /** The id of the guest. */
  guest: string;
  /** The guest's name when it was backed up. */
  name?: string;
  /** The name of the host that made it. */
  host: string;
  /** The moment whose content it has, as in RFC 3339. */
  created: string;
  consistency: Consistency;
  /** The size of all disks, in bytes. */
  size: number;
  /** The bytes that were read from the guest's disks. */
  read: number;
  /** The bytes that the backup added to the repository; another host may not know them. */
  stored?: number;
  /** Why everything was read rather than only what had changed, in words. */
  whole?: string;
  disks: BackedUpDisk[];
  verified?: Verification;
  /** What is wrong with it, in words. */
  problem?: string;
}

/** A backup that is being made has no more than its id and its guest. */
export type PendingBackup = Pick<Backup, 'id' | 'guest'> & Partial<Backup>;

export const backupIdSchema = uuid()
  .label('backup id')
  .description('The UUID of a backup')
  .example('b1f3c8d2-9c58-4c29-8e0e-52c17d3a2b10');

export const backupDiskNameSchema = Joi.string()
  .pattern(/^([0-9]|1[0-9]|2[0-5])$/, 'be the number of a disk (0-25)')
  .label('disk')
  .description('The number of a disk')
  .example('0');

const bytes = (): Joi.NumberSchema => Joi.number().min(0);

const backedUpDiskSchema = Joi.object<BackedUpDisk>({
  disk: backupDiskNameSchema.required(),
  size: bytes().required().description('Bytes'),
}).label('backed-up disk');

export const verificationSchema = Joi.object<Verification>({
  at: Joi.string().isoDate().required(),
  ok: Joi.boolean().required(),
}).description('When it was last read completely and compared with what was written, and the outcome');

/** A backup as clients see it. Only its id and its guest are there while it is being made. */
export const backupSchema = Joi.object<PendingBackup>({
  id: backupIdSchema.required(),
  guest: guestIdSchema.required(),
  name: Joi.string().allow('').description("The guest's name when it was backed up").example('web'),
  host: Joi.string().allow('').description('The name of the host that made it'),
  created: Joi.string()
    .isoDate()
    .description('The moment whose content it has')
    .example('2026-01-31T12:00:00.000Z'),
  consistency: Joi.string()
    .valid('crash', 'filesystem')
    .description('`crash`: as after a power cut; `filesystem`: the guest had flushed its file systems'),
  size: bytes().description('The size of all disks, in bytes'),
  read: bytes().description("The bytes that were read from the guest's disks"),
  stored: bytes().description('The bytes that it added to the repository'),
  whole: Joi.string().allow('').description('Why everything was read, rather than only what had changed'),
  disks: Joi.array().items(backedUpDiskSchema),
  verified: verificationSchema,
  problem: Joi.string().allow('').description('What is wrong with it'),
}).label('backup');

/** A complete backup, as its sub-agent describes it. */
export const completeBackupSchema = backupSchema.fork(
  ['host', 'created', 'consistency', 'size', 'read', 'disks'],
  (key) => key.required(),
);
