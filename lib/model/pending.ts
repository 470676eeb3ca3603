import Joi from 'joi';
import type { SizeChange } from './guest-size.js';
import { sizeSchemas } from './guest-size-schemas.js';

/** The changes of a guest that wait for its next start. `null`: it loses the key then. */
export type Pending = SizeChange;

export const pendingSchema = Joi.object<Pending>(sizeSchemas)
  .label('pending')
  .description('The changes that wait for the next start of the guest; `null`: it loses the key then')
  .example({ memory: 1024 });
