import Joi, { type ObjectSchema, type Schema } from 'joi';
import type { Guest } from '../../model/guest.js';
import type { StageArgs } from './calls.js';
import { argsSchema, requiredGuest } from './guest-messages.js';
import { text } from './loose-text.js';

/** A request to do something inside a running guest. Its body may be secret, so it is never stored or logged. */
export interface InGuestRequest<Body = unknown> {
  guest: Guest;
  action: string;
  args?: StageArgs;
  body?: Body;
}

export interface InGuestResponse<Result = unknown> {
  guest: { id: string };
  result: Result;
}

/** A request to read a file in a guest, which opens a stream. */
export interface ReadFileRequest {
  guest: string;
  path: string;
}

/** Makes the schema of a request whose body has that schema. */
export const inGuestRequestSchema = <Body>(body: Schema<Body>): ObjectSchema<InGuestRequest<Body>> =>
  Joi.object<InGuestRequest<Body>>({
    guest: requiredGuest,
    action: text(),
    args: argsSchema,
    body,
  }).unknown();

/** Makes the schema of a response whose result has that schema. */
export const inGuestResponseSchema = (result: Schema): ObjectSchema =>
  Joi.object({ guest: Joi.object({ id: Joi.string().required() }).unknown(), result })
    .unknown()
    .required();

export const readFileRequestSchema = Joi.object<ReadFileRequest>({
  guest: Joi.string().required(),
  path: Joi.string().required(),
}).unknown();
