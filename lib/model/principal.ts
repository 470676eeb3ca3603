/** What somebody may do; each one includes those before it. */
export const SCOPES = ['read', 'operate', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who asks. */
export interface Principal {
  /** A token's name, the common name of a certificate, or how an unnamed client came in. */
  name: string;
  scope: Scope;
}

/** The scope, and all that it includes. */
export const included = (scope: Scope): Scope[] => SCOPES.slice(0, SCOPES.indexOf(scope) + 1);
