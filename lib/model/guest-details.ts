import Joi from 'joi';
import { containerSpecSchema } from './container/spec-schema.js';
import { devicesSchema } from './devices-schema.js';
import { sizeSchemas } from './guest-size-schemas.js';
import { cpuModelSchema, machineSchema } from './machine.js';
import { pendingSchema } from './pending.js';
import { programRunSchema } from './program-run.js';
import { warmSchema } from './warm.js';

const warningsSchema = Joi.array()
  .items(Joi.string().max(1000))
  .allow(null)
  .description('Problems that will keep the guest from running, and what to do; set by the sub-agents');

/** What a sub-agent tells about a guest besides its state. */
export const guestDetailsSchemas = {
  ...sizeSchemas,
  pending: pendingSchema.allow(null),
  cpuModel: cpuModelSchema,
  machine: machineSchema.allow(null),
  devices: devicesSchema.allow(null),
  container: containerSpecSchema.allow(null),
  warnings: warningsSchema,
  warm: warmSchema.allow(null),
  program: programRunSchema.allow(null),
};
