import Joi from 'joi';
import type { ContainerLimits } from './limits.js';

const MAX_SWAP_MB = 64 * 1024 * 1024;

/** setrlimit(2). */
const ULIMITS = [
  ...['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc'],
  ...['rss', 'rtprio', 'rttime', 'sigpending', 'stack'],
] as const;

/** -1 is no limit. */
const limit = (): Joi.NumberSchema => Joi.number().integer().min(-1);

const ulimitSchema = Joi.alternatives(
  limit(),
  Joi.object({ soft: limit().required(), hard: limit().required() }),
).messages({
  'alternatives.types': '{#label} must be a number, or an object of "soft" and "hard"; -1 is no limit',
});

export const limitsSchemas = {
  unlimitedMemory: Joi.boolean()
    .description('Whether its memory has no limit; leave out `memory` then')
    .example(false),
  swap: Joi.number()
    .integer()
    .min(0)
    .max(MAX_SWAP_MB)
    .description('MB of swap beyond its memory; 0 for none, by default what the engine gives')
    .example(0),
  ulimits: Joi.object()
    .pattern(Joi.string().valid(...ULIMITS), ulimitSchema)
    .unknown(false)
    .messages({ 'object.unknown': `{#label} is no limit of setrlimit(2): choose from ${ULIMITS.join(', ')}` })
    .description('Limits of each process, by the names of setrlimit(2): a number, or `{soft, hard}`')
    .example({ nofile: 4096 }),
} satisfies Record<keyof ContainerLimits, Joi.Schema>;
