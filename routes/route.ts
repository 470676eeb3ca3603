import type { ObjectSchema, Schema } from 'joi';
import type { Context, Event, Reply } from '../handlers/types.js';

export type RouteMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** An endpoint: where it is, what it takes and answers, and the function that does it. */
export interface Route {
  method: RouteMethod;
  /** With parameters in braces. */
  path: string;
  /** What it does, in one line. */
  summary: string;
  tags: readonly [string, ...string[]];
  params?: ObjectSchema;
  query?: ObjectSchema;
  /** The JSON body; `ignored` when clients send one that means nothing. Any body is ignored when it is absent. */
  payload?: Schema | 'ignored';
  /** What a success answers. */
  reply: { status: 200 | 202; description: string; schema?: Schema };
  handler: (event: Event, context: Context) => Promise<Reply>;
}

/** Handlers say exactly what they take; that the schemas beside them deliver it is for the tests to show. */
export const route = <Params, Query, Payload>(
  definition: Omit<Route, 'handler'> & {
    handler: (event: Event<Params, Query, Payload>, context: Context) => Promise<Reply>;
  },
): Route => definition as Route;

/** Whether HEAD is answered as well. To ask with HEAD must not do anything, which a GET that queues a job does. */
export const answersHead = ({ method, reply }: Route): boolean => method === 'GET' && reply.status === 200;
