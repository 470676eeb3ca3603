import type { Readable } from 'node:stream';
import type * as Hapi from '@hapi/hapi';
import type { ObjectSchema } from 'joi';
import { beginUpload, receiveUpload } from '../../http/upload.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import { UPLOAD_REQUEST } from '../protocol/upload.js';
import type { CallContext, MakeCallContext } from './call-context.js';
import { plain, plainFailure } from './plain-text.js';

/** Receives the bytes of a validated request. It may return before it has read them all. */
export type Receive<Request, Response> = (
  request: Request,
  bytes: Readable,
  call: CallContext,
) => Promise<Response>;

/** The agent has a limit of its own for a client that sends nothing. */
const STALL_MS = 10 * 60_000;

const parseRequest = (query: Hapi.Request['query']): unknown => {
  try {
    return JSON.parse(String(query[UPLOAD_REQUEST]));
  } catch {
    return undefined;
  }
};

/** Makes the route of an upload. Its request is in the query, because the body has the bytes. */
export const uploadRoute = <Request, Response>(
  path: string,
  schema: ObjectSchema<Request>,
  receive: Receive<Request, Response>,
  makeContext: MakeCallContext,
): Hapi.ServerRoute => ({
  method: 'POST',
  path,
  options: {
    payload: { parse: false, output: 'stream', maxBytes: Number.MAX_SAFE_INTEGER, timeout: false },
  },
  handler: async (request, h) => {
    const { req, res } = request.raw;
    beginUpload(req, res);
    const { value, error } = schema.required().validate(parseRequest(request.query));
    if (error) return plain(h, 400, describeMistakes(error));
    const bytes = receiveUpload(req, STALL_MS);
    try {
      const result = await receive(value, bytes, makeContext(request, {}));
      return h.response(JSON.stringify(result)).type('application/json');
    } catch (failure) {
      return plainFailure(h, failure);
    } finally {
      bytes.destroy();
    }
  },
});
