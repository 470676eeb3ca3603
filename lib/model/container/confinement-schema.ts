import Joi from 'joi';
import type { ContainerConfinement } from './confinement.js';

const MAX_PIDS = 4_194_304;

const capabilitiesSchema = Joi.array()
  .items(
    Joi.string()
      .max(64)
      .pattern(/^[a-zA-Z_]+$/, 'be the name of a capability, such as NET_RAW'),
  )
  .max(64);

export const confinementSchemas = {
  capAdd: capabilitiesSchema
    .description('Linux capabilities to add, among those that the host allows')
    .example(['NET_RAW']),
  capDrop: capabilitiesSchema.description('Linux capabilities to take away; `ALL` for all').example(['ALL']),
  pidsLimit: Joi.number()
    .integer()
    .min(1)
    .max(MAX_PIDS)
    .description('The most processes and threads; the host sets the default and the upper bound')
    .example(256),
  noNewPrivileges: Joi.boolean()
    .description(
      'Whether set-user-ID bits and file capabilities have no effect; by default as the host is told',
    )
    .example(true),
} satisfies Record<keyof ContainerConfinement, Joi.Schema>;
