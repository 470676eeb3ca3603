import Joi from 'joi';
import { LOG_STREAMS, type LogsQuery } from './guest-logs.js';

const MAX_TAIL = 1_000_000;

export const logsQuerySchema = Joi.object<LogsQuery, true>({
  follow: Joi.boolean().description('Whether to go on with what the guest prints from now on').example(true),
  tail: Joi.number()
    .integer()
    .min(0)
    .max(MAX_TAIL)
    .description('How many of the last lines to begin with; all of them when absent')
    .example(100),
  since: Joi.string()
    .isoDate()
    .description('Leaves out what is older, in whole seconds; of a container only')
    .example('2026-11-30T12:00:00Z'),
  timestamps: Joi.boolean().description('Whether each line begins with its time; of a container only'),
  stream: Joi.string()
    .valid(...LOG_STREAMS)
    .description('One of the two outputs, both when absent; of a container only')
    .example('stderr'),
});
