import Joi from 'joi';
import { type Snapshot, snapshotSchema } from '../../model/snapshot.js';
import { type DiskWish, diskWishKeys } from './disk-download.js';
import { text } from './loose-text.js';

export interface SnapshotRequest extends DiskWish {
  id: string;
  dest: string;
  recursive: boolean;
  destroyMoreRecent: boolean;
  /** For calls that set it: the snapshot's description, `""` for none. */
  description?: string;
  /** Of a rollback: whether a guest that runs is powered off first, by an earlier stage. */
  poweroff?: boolean;
  /** Of a rollback: whether the guest's memory is rolled back, too; absent for as far as the snapshot has it. */
  memory?: boolean;
  /** For stages that always run: how those before have ended. */
  outcome?: 'succeeded' | 'failed';
}

export interface SnapshotResponse {
  snapshots: Snapshot[];
  /** The disks that a rollback may have given another size, by number; sizes are MB. */
  sizes?: { number: number; size: number }[];
  /** Anything worth knowing about it. */
  message?: string;
}

const flag = (): Joi.BooleanSchema => Joi.boolean().allow(null).empty(null).default(false);

export const snapshotRequestSchema = Joi.object<SnapshotRequest>({
  id: text(),
  dest: text(),
  recursive: flag(),
  destroyMoreRecent: flag(),
  description: Joi.string().allow('', null).empty([null]),
  poweroff: Joi.boolean(),
  memory: Joi.boolean(),
  outcome: Joi.string().valid('succeeded', 'failed'),
  ...diskWishKeys,
}).unknown();

export const snapshotResponseSchema = Joi.object<SnapshotResponse>({
  snapshots: Joi.array().items(snapshotSchema.unknown()).allow(null),
  sizes: Joi.array().items(Joi.object({ number: Joi.number().required(), size: Joi.number().required() })),
}).unknown();
