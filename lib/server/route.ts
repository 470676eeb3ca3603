import type { ObjectSchema, Schema } from 'joi';
import type { Context, Event, Reply } from '../model/endpoint.js';
import type { Scope } from '../model/principal.js';

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
  /** What its clients must be allowed to do, or `public`; by default `read` or, to change something, `operate`. */
  scope?: Scope | 'public';
  /** Whether a change can be made on condition, with If-Match. */
  conditional?: boolean;
  /** Whether it goes on after the event that Last-Event-ID names. */
  resumable?: boolean;
  /** Whether what it answers has an ETag. */
  tagged?: boolean;
  /** Whom it asks at once, beside the agent's own state. */
  asks?: 'sub-agent';
  /** What a success answers: JSON of that schema, bytes of that media type, or, with 101, a WebSocket. */
  reply: { status: 101 | 200 | 202; description: string; schema?: Schema; type?: string };
  handler: (event: Event, context: Context) => Promise<Reply>;
}

/** Handlers say exactly what they take; that the schemas beside them deliver it is for the tests to show. */
export const route = <Params, Query, Payload>(
  definition: Omit<Route, 'handler'> & {
    handler: (event: Event<Params, Query, Payload>, context: Context) => Promise<Reply>;
  },
): Route => definition as Route;

/** Whether a request for it may change something. */
export const changesSomething = ({ method, reply }: Route): boolean =>
  method !== 'GET' || reply.status === 202;

export const scopeOf = (route: Route): Scope | 'public' =>
  route.scope ?? (changesSomething(route) ? 'operate' : 'read');

/** Whether it becomes a WebSocket. */
export const isWebSocket = ({ reply }: Route): boolean => reply.status === 101;

/** Whether HEAD is answered as well. To ask with HEAD must not do anything, which a GET that queues a job does. */
export const answersHead = ({ method, reply }: Route): boolean => method === 'GET' && reply.status === 200;
