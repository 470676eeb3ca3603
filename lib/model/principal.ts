/**
 * Scopes of access; each includes those before it. `metrics` reads the metrics of Prometheus alone; `export` reads
 * guests' private data: the content of disks and the secrets in metadata.
 */
export const SCOPES = ['metrics', 'read', 'export', 'operate', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The authenticated client of a request. */
export interface Principal {
  /** A token's name, a certificate's common name, or the kind of access of an unnamed client. */
  name: string;
  scope: Scope;
}

/** Returns a scope with those that it includes. */
export const withIncludedScopes = (scope: Scope): Scope[] => SCOPES.slice(0, SCOPES.indexOf(scope) + 1);

/** Whether a client has a scope, or one that includes it. */
export const hasScope = ({ scope }: Principal, needed: Scope): boolean =>
  SCOPES.indexOf(scope) >= SCOPES.indexOf(needed);
