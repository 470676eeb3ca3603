import Joi from 'joi';
import type { LogsQuery } from '../../model/guest-logs.js';
import { logsQuerySchema } from '../../model/guest-logs-schema.js';

/** A request to read a guest's output, which opens a stream. */
export interface LogsRequest extends LogsQuery {
  /** The guest's id. */
  guest: string;
}

export const logsRequestSchema = logsQuerySchema
  .append<LogsRequest>({ guest: Joi.string().required() })
  .unknown();
