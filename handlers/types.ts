export type { Context } from '../lib/agent/context.js';

/** What a handler is called with: a request whose parts have been validated, free of any HTTP library. */
export interface Event<Params = unknown, Query = unknown, Payload = unknown> {
  /** Parts of the path. */
  params: Params;
  query: Query;
  payload: Payload;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
}

/** What a handler answers. It throws an `AgentError` for everything that went wrong. */
export interface Reply<Body = unknown> {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON, unless it is bytes. */
  body: Body;
}

/** The body of every answer that says that something went wrong. */
export interface ErrorBody {
  message: string;
  code: number;
  stack: string[];
}

/** For how many seconds the client waits for a job, to get what came of it. */
export interface WaitQuery {
  wait?: number;
}

export interface GuestParams {
  guestID: string;
}
