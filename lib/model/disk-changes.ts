import Joi from 'joi';
import { MAX_DISK_MB, MAX_DISKS } from './guest.js';
import { diskSchema } from './guest-schemas.js';

/** A disk to add: a clone of `image`, a blank disk of `size`, or the data of a removed disk that was kept (`volume`). */
export interface NewDisk {
  bus?: string | null;
  /** MB. */
  size?: number | null;
  image?: string | null;
  volume?: string | null;
}

export const newDiskSchema = Joi.object<NewDisk>({
  bus: diskSchema.extract('bus'),
  size: diskSchema.extract('size').allow(null),
  image: diskSchema.extract('image'),
  volume: diskSchema
    .extract('volume')
    .description('The volume of a removed disk whose data was kept, instead of `size` and `image`'),
})
  .label('new disk')
  .description('A disk as in a create: give it a size in MB, or an image to clone')
  .example({ size: 10_240, bus: 'virtio' });

/** The change of a disk that exists. */
export interface DiskPatch {
  /** MB: the new size, not smaller than the present one. */
  size: number;
}

const sizeSchema = Joi.number()
  .integer()
  .min(1)
  .max(MAX_DISK_MB)
  .description('The new size in MB; a disk only grows')
  .example(20_480);

export const diskPatchSchema = Joi.object<DiskPatch, true>({ size: sizeSchema.required() }).label(
  'disk change',
);

const numberSchema = Joi.number()
  .integer()
  .min(0)
  .max(MAX_DISKS - 1);

/** What `addDisk` asks of the sub-agents. */
export interface DiskAddition {
  disk: NewDisk;
}

export const diskAdditionSchema = Joi.object<DiskAddition, true>({
  disk: newDiskSchema.required(),
}).unknown();

/** What `changeDisk` asks of the sub-agents. */
export interface DiskGrowth extends DiskPatch {
  /** The disk's number. */
  disk: number;
}

export const diskGrowthSchema = Joi.object<DiskGrowth, true>({
  disk: numberSchema.required(),
  size: sizeSchema.required(),
}).unknown();

/** What `removeDisk` asks of the sub-agents. */
export interface DiskRemoval {
  /** The disk's number. */
  disk?: number;
  /** Instead of the number: the job that has added the disk, and has failed. */
  addedBy?: string;
  /** Whether its data stays in the store. */
  keep: boolean;
  /** Whether to remove the disk that a running guest has booted from. */
  force: boolean;
}

export const diskRemovalSchema = Joi.object<DiskRemoval, true>({
  disk: numberSchema,
  addedBy: Joi.string().max(64),
  keep: Joi.boolean().default(false),
  force: Joi.boolean().default(false),
})
  .xor('disk', 'addedBy')
  .unknown();
