import type * as Hapi from '@hapi/hapi';
import { errorMessage } from '../../errors.js';
import { statusOfFailure } from '../protocol/refusal.js';

/** Makes a plain-text response, in which a sub-agent reports what is wrong with a request. */
export const plain = (h: Hapi.ResponseToolkit, status: number, message: string): Hapi.ResponseObject =>
  h.response(`${message}\n`).type('text/plain').code(status);

/** Makes the response of a stream or console that failed to open. */
export const plainFailure = (h: Hapi.ResponseToolkit, failure: unknown): Hapi.ResponseObject =>
  plain(h, statusOfFailure(failure), errorMessage(failure));
