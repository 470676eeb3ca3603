import type { Grant, Scope } from './rights.js';

/** The authenticated client of a request. */
export interface Principal {
  /** A token's name, a certificate's common name, or the kind of access of an unnamed client. */
  name: string;
  /** What it may do: what any of them permits. */
  grants: Grant[];
  /** Whose quota the guests that it creates count towards; absent for an unnamed client. */
  owner?: string;
}

/** Who the client is, and what it may do. */
export interface AccessInfo extends Principal {
  /** The name of what the grants permit, if it has one. */
  scope?: Scope;
  /** What the guests of the owner have together, and may have. */
  quota?: { used: QuotaSizes; limits: Partial<QuotaSizes> };
}

/** Memory and disk in MB. */
type QuotaSizes = Record<'guests' | 'memory' | 'cpu' | 'disk', number>;
