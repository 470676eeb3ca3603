import Joi from 'joi';
import { deviceSchemas } from './devices-schema.js';
import type { SizeChange } from './guest-size.js';
import { sizeSchemas } from './guest-size-schemas.js';
import type { PendingOptions } from './hardware-options.js';
import { machineOptionSchemas } from './machine.js';

/** The changes of a guest that wait for its next start. `null`: it loses the key then. */
export interface Pending extends SizeChange, PendingOptions {}

export const pendingSchema = Joi.object<Pending>({
  ...sizeSchemas,
  machine: Joi.object(machineOptionSchemas),
  devices: Joi.object(deviceSchemas),
})
  .label('pending')
  .description('The changes that wait for the next start of the guest; `null`: it loses the key then')
  .example({ memory: 1024 });
