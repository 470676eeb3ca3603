import Joi from 'joi';

/** Limits beyond any real host: a larger value is a mistake. */
const MAX_MEMORY_MB = 64 * 1024 * 1024;
const MAX_VCPUS = 4096;
/** What engines of containers accept at least. */
const MIN_CPUS = 0.01;

const megabytes = (): Joi.NumberSchema => Joi.number().integer().min(1).max(MAX_MEMORY_MB).allow(null);
const vcpus = (): Joi.NumberSchema => Joi.number().integer().min(1).max(MAX_VCPUS).allow(null);
const cpus = (): Joi.NumberSchema => Joi.number().min(MIN_CPUS).max(MAX_VCPUS).allow(null);

export const sizeSchemas = {
  memory: megabytes().description('MB').example(512),
  cpu: cpus().description('Number of vCPUs; a container may have a part of one, such as 0.5').example(1),
  maxMemory: megabytes()
    .description('MB up to which the memory of a virtual machine can grow while it runs')
    .example(2048),
  maxCpu: vcpus().description('The vCPUs up to which a virtual machine can grow while it runs').example(4),
};
