import { Boom, boomify, isBoom, methodNotAllowed } from '@hapi/boom';
import { AgentError, type ErrorKind } from '../errors.js';
import type { ErrorBody } from '../model/endpoint.js';
import { StreamRefused } from '../rpc/client/refused.js';
import { JOB_ID_HEADER } from './job-id-header.js';

const STATUS: Record<ErrorKind, number> = {
  invalid: 400,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  queue_full: 429,
  bad_answer: 502,
  unavailable: 503,
  timeout: 504,
  disk_full: 507,
  storage: 500,
};

/** A refused stream has its sub-agent's status. */
const statusOf = (error: AgentError): number =>
  error instanceof StreamRefused ? error.status : STATUS[error.kind];

/** Any error as the one that HTTP knows. What we did not foresee is a 500, whose cause stays in the log. */
export const toBoom = (error: unknown): Boom => {
  if (isBoom(error)) return error;
  if (!(error instanceof AgentError))
    return boomify(error instanceof Error ? error : new Error(String(error)));
  const boom = new Boom(error.message, { statusCode: statusOf(error) });
  if (error.stack) boom.stack = error.stack;
  if (error.retryAfter !== undefined) boom.output.headers['Retry-After'] = String(error.retryAfter);
  if (error instanceof StreamRefused && error.pipelineId !== undefined)
    boom.output.headers[JOB_ID_HEADER] = error.pipelineId;
  // Boom hides the message of a 500 and up; ours name the part that failed and are meant to be read.
  boom.output.payload.message = error.message;
  return boom;
};

/** @param debug whether to tell the stack */
export const errorBody = (boom: Boom, debug: boolean): ErrorBody => ({
  message: boom.output.payload.message,
  code: boom.output.statusCode,
  stack: debug ? (boom.stack ?? '').split('\n').map((line) => line.trim()) : [],
});

/** @param allowed the methods that the path has */
export const notAllowed = (
  { method, path }: { method: string; path: string },
  allowed: readonly string[],
): Boom =>
  methodNotAllowed(`${method.toUpperCase()} is not for ${path}: use ${allowed.join(', ')}`, undefined, [
    ...allowed,
  ]);
