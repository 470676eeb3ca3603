import type * as Hapi from '@hapi/hapi';
import type { ObjectSchema } from 'joi';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { describeMistakes } from '../../model/describe-mistakes.js';
import { RPC_PATH } from '../protocol/calls.js';
import { type Call, decodeCall, encodeError, encodeResult } from '../protocol/codec.js';
import { type CallContext, jobStage, type MakeCallContext } from './call-context.js';
import { plain } from './plain-text.js';

/** Handles the validated request of a call. */
export type Method<Request, Response> = (request: Request, call: CallContext) => Promise<Response> | Response;

export interface RegisteredMethod {
  schema: ObjectSchema;
  handle: Method<never, unknown>;
}

/** Makes the routes of JSON-RPC 1.0. A call that is malformed, or names no method, gets a 400 in plain text. */
export const rpcRoutes = (
  methods: ReadonlyMap<string, RegisteredMethod>,
  makeContext: MakeCallContext,
  log: Logger,
): Hapi.ServerRoute[] => {
  const respond = async (request: Hapi.Request, h: Hapi.ResponseToolkit): Promise<Hapi.ResponseObject> => {
    let call: Call;
    try {
      call = decodeCall((request.payload as Buffer).toString('utf8'));
    } catch (error) {
      return plain(h, 400, `rpc: ${errorMessage(error)}`);
    }
    const method = methods.get(call.method);
    if (!method) return plain(h, 400, `rpc: can't find method "${call.method}"`);
    const { value, error } = method.schema.validate(call.params);
    if (error) return plain(h, 400, `${call.method}: ${describeMistakes(error)}`);
    const about = { method: call.method, guest: value.guest?.id, job: jobStage(request.headers)?.job };
    const json = (body: string): Hapi.ResponseObject => h.response(body).type('application/json');
    try {
      const result = await method.handle(value as never, makeContext(request, about));
      log.debug(about, 'call finished');
      return json(encodeResult(result, call.id));
    } catch (failure) {
      log.info(about, `call failed: ${errorMessage(failure)}`);
      log.debug({ err: failure, ...about }, 'stack of the failed call');
      return json(encodeError(failure, call.id));
    }
  };

  return [
    {
      method: 'POST',
      path: RPC_PATH,
      options: { payload: { parse: false, output: 'data' } },
      handler: (request, h) =>
        request.mime === 'application/json'
          ? respond(request, h)
          : plain(h, 415, `rpc: unrecognized Content-Type: ${request.mime ?? ''}`),
    },
    { method: '*', path: RPC_PATH, handler: (_, h) => plain(h, 405, 'rpc: POST method required') },
  ];
};
