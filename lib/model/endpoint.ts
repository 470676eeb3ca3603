import type { IdempotentRequest } from './idempotent-request.js';
import type { Principal } from './principal.js';

/** What a handler is called with: a request whose parts have been validated, free of any HTTP library. */
export interface Event<Params = unknown, Query = unknown, Payload = unknown> {
  /** Parts of the path. */
  params: Params;
  query: Query;
  payload: Payload;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  /** Who asks; absent where anybody may. */
  principal?: Principal | undefined;
  /** Present when the client may send the request again without meaning it again. */
  idempotency?: IdempotentRequest | undefined;
  /** The id of the last event that the client has seen. */
  lastEventId?: number | undefined;
  /** Entity tags of what the client has seen, as the If-Match header has them. */
  ifMatch?: string | undefined;
}

/** What a handler answers. It throws an `AgentError` for everything that went wrong. */
export interface Reply<Body = unknown> {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON, unless it is bytes; with status 101 the messages in both directions. */
  body: Body;
  /** Whether the body, or each of its items, is as it is stored: then its JSON is made once, however often it is sent. */
  isStored?: boolean;
  /** The cursor of the next page of a list; absent on the last one. */
  next?: string;
  /** The id of the guest that the reply concerns, when the request's path does not name it. */
  guest?: string;
}

/** The body of every answer that says that something went wrong. */
export interface ErrorBody {
  message: string;
  code: number;
  stack: string[];
}

export interface DryRunQuery {
  /** Whether only to check the request. */
  dryRun?: boolean;
}

export interface JobQuery extends DryRunQuery {
  /** For how many seconds the client waits for the job, to get what came of it. */
  wait?: number;
}

/** Which part of a list the client wants. */
export interface ListQuery {
  limit?: number;
  /** Where the page before it ended. */
  cursor?: string;
  /** The keys of each item that are wanted; all by default. */
  fields?: string[];
}

export interface GuestParams {
  guestID: string;
}
