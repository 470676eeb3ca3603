import type { IdempotentRequest } from './idempotent-request.js';
import type { Principal } from './principal.js';

/** A handler's input: a request whose parts are validated, free of any HTTP library. */
export interface Event<Params = unknown, Query = unknown, Payload = unknown> {
  /** The parameters of the path. */
  params: Params;
  query: Query;
  payload: Payload;
  /** Aborts when the client disconnects. */
  signal: AbortSignal;
  /** The client; absent on a public route. */
  principal?: Principal | undefined;
  /** Set when the client marked the request as safe to repeat. */
  idempotency?: IdempotentRequest | undefined;
  /** The id of the last event that the client received. */
  lastEventId?: number | undefined;
  /** The Content-Length header: bytes of the body. */
  contentLength?: number | undefined;
  /** The Content-Range header: which part of a whole the body is. */
  contentRange?: string | undefined;
  /** The Range header: which part of the reply the client wants. */
  range?: string | undefined;
  /** The If-Range header: the entity tag of the part that the client has. */
  ifRange?: string | undefined;
  /** The If-Match header: entity tags that the client has seen. */
  ifMatch?: string | undefined;
}

/** A handler's output. Handlers report failures by throwing an `AgentError`. */
export interface Reply<Body = unknown> {
  status: number;
  headers?: Record<string, string>;
  /** Sent as JSON, unless it is text or bytes; with status 101 a duplex stream for the WebSocket. */
  body: Body;
  /** Whether the body, or each of its items, is a stored value, whose JSON is made only once. */
  isStored?: boolean;
  /** The cursor of a list's next page; absent on the last one. */
  next?: string;
  /** The id of the guest that the reply concerns, when the request's path does not name it. */
  guest?: string;
}

/** The body of every error response. */
export interface ErrorBody {
  message: string;
  code: number;
  stack: string[];
}

export interface DryRunQuery {
  /** Whether to check the request without changing anything. */
  dryRun?: boolean;
}

export interface JobQuery extends DryRunQuery {
  /** Seconds that the client waits for the job's result. */
  wait?: number;
}

/** Options of the creation of a guest. */
export interface CreateQuery extends JobQuery {
  /** Whether the guest starts once it is there; true when absent. */
  start?: boolean;
}

/** The hardware to move a guest on to: what is absent stays as it is; without both, the newest machine type. */
export interface UpgradeQuery extends JobQuery {
  /** A versioned machine type. */
  type?: string;
  cpuModel?: string;
}

/** Options of the actions that turn a guest on or off. */
export interface PowerQuery extends JobQuery {
  /** Seconds that the guest gets to comply. */
  timeout?: number;
  /** Whether to reset the guest, or to cut its power, when it does not comply in time. */
  force?: boolean;
}

/** Options of the actions that let a guest boot. */
export interface BootQuery extends PowerQuery {
  /** The disk or CD drive to boot from this once. */
  boot?: string;
}

/** A CD drive of a guest. */
export interface CdromParams extends GuestParams {
  /** `cd0` to `cd3`. */
  cdrom: string;
}

/** Options of a change that a guest may resist. */
export interface ForceQuery extends JobQuery {
  force?: boolean;
}

/** Selects a part of a list. */
export interface ListQuery {
  /** The most items to return. */
  limit?: number;
  /** Where the previous page ended. */
  cursor?: string;
  /** The keys to return of each item; all by default. */
  fields?: string[];
}

export interface GuestParams {
  guestID: string;
}
