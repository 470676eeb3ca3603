import Joi from 'joi';
import { type Snapshot, snapshotSchema } from '../../model/snapshot.js';
import { text } from './loose-text.js';

export interface SnapshotRequest {
  id: string;
  dest: string;
  recursive: boolean;
  destroyMoreRecent: boolean;
  /** For calls that set it: the snapshot's description, `""` for none. */
  description?: string;
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
}).unknown();

export const snapshotResponseSchema = Joi.object<SnapshotResponse>({
  snapshots: Joi.array().items(snapshotSchema.unknown()).allow(null),
  sizes: Joi.array().items(Joi.object({ number: Joi.number().required(), size: Joi.number().required() })),
}).unknown();
