import type * as Hapi from '@hapi/hapi';
import type { ObjectSchema } from 'joi';
import { describeMistakes } from '../../model/describe-mistakes.js';
import { type ByteStream, exactly } from '../protocol/byte-stream.js';
import { headersOfPart } from '../protocol/disk-download.js';
import type { MakeCallContext } from './call-context.js';
import { plain, plainFailure } from './plain-text.js';
import type { Method } from './rpc-route.js';

/** Makes the route of a stream, which takes a bare request, without the envelope of JSON-RPC. */
export const streamRoute = <Request>(
  path: string,
  schema: ObjectSchema<Request>,
  open: Method<Request, ByteStream>,
  makeContext: MakeCallContext,
): Hapi.ServerRoute => ({
  method: 'POST',
  path,
  options: { payload: { override: 'application/json' } },
  handler: async (request, h) => {
    const { value, error } = schema.validate(request.payload);
    if (error) return plain(h, 400, describeMistakes(error));
    try {
      const { bytes, length, part } = await open(value, makeContext(request, {}));
      const response = h.response(length === undefined ? bytes : exactly(bytes, length));
      if (length !== undefined) response.bytes(length);
      for (const [name, text] of Object.entries(part ? headersOfPart(part) : {})) response.header(name, text);
      // hapi would make an empty response a 204.
      return response.code(200).type('application/octet-stream').encoding('binary');
    } catch (failure) {
      return plainFailure(h, failure);
    }
  },
});
