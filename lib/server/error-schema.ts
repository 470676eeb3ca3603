import Joi from 'joi';
import type { ErrorBody } from '../model/endpoint.js';

export const errorSchema = Joi.object<ErrorBody, true>({
  message: Joi.string().required().description('What went wrong, and what to do about it'),
  code: Joi.number().integer().required().description('The HTTP status'),
  stack: Joi.array().items(Joi.string()).required().description('Empty unless the agent logs at debug level'),
}).label('error');
