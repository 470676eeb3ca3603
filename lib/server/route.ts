import type { AnySchema, ObjectSchema, Schema } from 'joi';
import type { Event, Reply } from '../model/endpoint.js';
import type { Verb } from '../model/rights.js';
import { hasKey } from './schema-keys.js';

export type RouteMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * An endpoint: its path, its input, its reply, and the function that serves it.
 * @typeParam Context what the handler works with; every route is a `Route<never>`, which describes it but cannot call it
 */
export interface Route<Context = never> {
  method: RouteMethod;
  /** Parameters stand in braces. */
  path: string;
  /** Names the operation in the OpenAPI document; unique in a table. */
  operationId: string;
  /** One line that says what the endpoint does. */
  summary: string;
  tags: readonly [string, ...string[]];
  params?: ObjectSchema;
  query?: ObjectSchema;
  /**
   * The JSON body, its plain `bytes`, or an `upload`: bytes of any length, which the handler reads as they arrive. `ignored`
   * accepts any body and discards it; an absent schema does the same, but is not documented.
   */
  payload?: Schema | 'bytes' | 'upload' | 'ignored';
  /** The right that clients need, or `public` for none. */
  can: Verb | 'public';
  /**
   * What they need it for. By default the guest of the path, and otherwise all guests and the host. `some` lets in clients
   * that have the right for some guests: the handler then shows no others, or decides by itself.
   */
  over?: 'some';
  /** Whether requests stay out of the audit log, whatever right they need, because they change nothing and read no secret. */
  isUnaudited?: boolean;
  /** Whether clients can make the change conditional with If-Match. */
  conditional?: boolean;
  /** Whether the stream resumes after the event that Last-Event-ID names. */
  resumable?: boolean;
  /** Whether the response carries an ETag. */
  tagged?: boolean;
  /** Whether the handler calls a sub-agent while the client waits. */
  callsSubAgent?: boolean;
  /** The success: JSON of that schema, bytes of that media type, or, with status 101, a WebSocket. */
  reply: { status: 101 | 200 | 202; description: string; schema?: Schema; type?: string };
  handler: (event: Event, context: Context) => Promise<Reply>;
}

/** A route whose handler takes what its schemas deliver: a handler that needs more does not compile. */
interface Definition<Params, Query, Payload, Context>
  extends Omit<Route<Context>, 'params' | 'query' | 'payload' | 'handler'> {
  params?: ObjectSchema<Params>;
  query?: ObjectSchema<Query>;
  payload?: AnySchema<Payload> | 'bytes' | 'upload' | 'ignored';
  handler: (
    event: Event<NoInfer<Params>, NoInfer<Query>, NoInfer<Payload>>,
    context: Context,
  ) => Promise<Reply>;
}

/** Checks a route's handler against its schemas. The server runs the schemas before the handler. */
export const route = <Params, Query, Payload, Context>(
  definition: Definition<Params, Query, Payload, Context>,
): Route<Context> => definition as Route<Context>;

/** What hapi calls a right for all guests and the host. */
export const overAll = (can: Verb | 'public'): string => `all:${can}`;

/** Whether a request to the route may change something. */
export const changesSomething = ({ method, reply }: Route): boolean =>
  method !== 'GET' || reply.status === 202;

/** Whether a client can make a request to the route safe to repeat, by an Idempotency-Key. */
export const takesKey = ({ method, reply }: Route): boolean =>
  method === 'POST' || (method !== 'GET' && reply.status === 202);

/** Whether a client can ask for a dry run of a request to the route. */
export const hasDryRun = ({ query }: Route): boolean => hasKey(query, 'dryRun');

/** Whether the route sends a disk in a format, from any byte on. */
export const sendsDisk = ({ method, query, reply }: Route): boolean =>
  method === 'GET' && reply.type !== undefined && hasKey(query, 'format');

/** The schema of the route's JSON body, if it takes one. */
export const bodySchema = ({ payload }: Route): Schema | undefined =>
  typeof payload === 'string' ? undefined : payload;

/** Whether the route's body is read as it arrives, without a limit of its length. */
export const isUpload = ({ payload }: Route): boolean => payload === 'upload';

/** Whether the path names the guest that clients need the right for. */
export const isOfGuest = ({ path }: Route): boolean => path.includes('/{guestID}');

/** What hapi calls the right that a route needs, before the guest is known. */
export const scopeOf = (route: Route): string =>
  isOfGuest(route) || route.over === 'some' ? route.can : overAll(route.can);

export const isWebSocket = ({ reply }: Route): boolean => reply.status === 101;

/** Whether the route also serves HEAD. A GET that queues a job does not, because HEAD must not change anything. */
export const answersHead = ({ method, reply }: Route): boolean => method === 'GET' && reply.status === 200;
