import type { Grant } from '../model/rights.js';

/** A request of a client. */
export interface RequestEntry {
  event: 'request';
  /** The client's name; its address follows. */
  principal: string;
  address: string;
  method: string;
  /** The route, with its parameters in braces. */
  route: string;
  guest?: string | undefined;
  job?: string | undefined;
  /** Of the HTTP response. */
  status: number;
  /** Why the request was refused for want of rights. */
  reason?: string | undefined;
  /** How many more such requests were refused in the minute after the first. */
  count?: number;
}

/** A change of what someone may do, made on the agent's host. */
export interface RightEntry {
  event: 'right';
  /** The user of the host. */
  principal: string;
  change: 'token created' | 'token revoked';
  /** The name of what was changed. */
  name: string;
  /** What it permits from now on. */
  grants?: readonly Grant[] | undefined;
  /** RFC 3339; absent when it does not expire. */
  expires?: string | undefined;
}
