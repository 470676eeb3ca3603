import Joi from 'joi';

/** The space of the file system or ZFS pool that holds images and disks, in MB (2^20 bytes). */
export interface StorageSpace {
  size: number;
  /** What is left for images and disks. */
  free: number;
  /** What is taken, also by others that share the file system or pool. */
  used: number;
  /** What deleted guests and images still take, and why: one sentence each. */
  leftovers: string[];
}

const mb = Joi.number().min(0).required();

export const storageSpaceSchema = Joi.object<StorageSpace>({
  size: mb.description('MB of the file system or ZFS pool that holds images and disks'),
  free: mb.description('MB left for images and disks'),
  used: mb.description('MB taken, also by others that share the file system or pool'),
  leftovers: Joi.array()
    .items(Joi.string())
    .required()
    .description('What deleted guests and images still take, and why'),
}).label('storage space');
