import Joi from 'joi';
import type { ContainerHealth } from './health.js';
import { wordsSchema } from './program-schema.js';

const MAX_SECONDS = 86_400;
const MAX_RETRIES = 1000;

const seconds = (least: number): Joi.NumberSchema => Joi.number().integer().min(least).max(MAX_SECONDS);

export const healthSchemas = {
  health: Joi.object<NonNullable<ContainerHealth['health']>>({
    command: wordsSchema('health check')
      .required()
      .description(
        'A program that exits with 0 while all is well: words, or a line that a POSIX shell would split so; `[]` for no health check',
      )
      .example(['wget', '-q', '-O', '/dev/null', 'http://127.0.0.1/']),
    interval: seconds(1)
      .description('Seconds from the end of a check to the next one; 30 by default')
      .example(10),
    timeout: seconds(1).description('Seconds after which a check has failed; 30 by default').example(5),
    retries: Joi.number()
      .integer()
      .min(1)
      .max(MAX_RETRIES)
      .description('After so many failures in a row it is unhealthy; 3 by default')
      .example(3),
    startPeriod: seconds(0)
      .description('Seconds after the start in which failures do not count; 0 by default')
      .example(60),
  })
    .label('health check')
    .description('How its health is checked, in place of what its image says'),
} satisfies Record<keyof ContainerHealth, Joi.Schema>;
