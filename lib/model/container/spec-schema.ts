import Joi from 'joi';
import { confinementSchemas } from './confinement-schema.js';
import { devicesSchemas } from './devices-schema.js';
import { healthSchemas } from './health-schema.js';
import { limitsSchemas } from './limits-schema.js';
import { filesSchemas } from './mounts-schema.js';
import { networkSchemas } from './network-schema.js';
import { programSchemas } from './program-schema.js';
import type { ContainerSpec } from './spec.js';

const keys = {
  ...programSchemas,
  ...confinementSchemas,
  ...healthSchemas,
  ...networkSchemas,
  ...limitsSchemas,
  ...devicesSchemas,
  ...filesSchemas,
} satisfies Record<keyof ContainerSpec, Joi.Schema>;

/** @throws a joi error for a variable that is secret and is not */
const requireOneValue: Joi.CustomValidator<ContainerSpec> = (spec, helpers) => {
  const { env = {}, secretEnv = {} } = spec;
  const name = Object.keys(secretEnv).find((each) => Object.hasOwn(env, each));
  return name === undefined ? spec : helpers.error('container.twice', { name });
};

export const containerSpecSchema = Joi.object<ContainerSpec>(keys)
  .custom(requireOneValue)
  .messages({
    'container.twice': '"container" has {#name} in both env and secretEnv: keep one of them',
  })
  .label('container')
  .description('What only a container has: its program, and what that may do')
  .example({ command: ['sleep', '3600'], env: { MODE: 'test' } });
