import Joi from 'joi';
import type { Disk } from './guest.js';
import { diskSchema } from './guest-schemas.js';

/** A disk of a guest, with the space that it takes. */
export interface DiskUse extends Disk {
  /** MB (2^20 bytes) in the store, with its snapshots and without its image; absent where the store does not know. */
  used?: number;
}

export const diskUseSchema = diskSchema
  .append<DiskUse>({
    used: Joi.number()
      .min(0)
      .description('MB that it takes in the store, with its snapshots and without its image')
      .example(312),
  })
  .label('disk use');
