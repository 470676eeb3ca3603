/** Scopes of access; each includes those before it. */
export const SCOPES = ['read', 'operate', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The authenticated client of a request. */
export interface Principal {
  /** A token's name, a certificate's common name, or the kind of access of an unnamed client. */
  name: string;
  scope: Scope;
}

/** Returns a scope with those that it includes. */
export const withIncludedScopes = (scope: Scope): Scope[] => SCOPES.slice(0, SCOPES.indexOf(scope) + 1);
