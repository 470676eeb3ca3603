import { createHash, randomBytes } from 'node:crypto';
import Joi from 'joi';
import { AgentError } from '../errors.js';
import type { Principal } from '../model/principal.js';
import { type Grant, grantsOfScope, type Scope } from '../model/rights.js';
import { grantSchema } from '../model/rights-schemas.js';

/** Lets secret scanners recognise a token. */
const PREFIX = 'mistify_';
const SECRET_BYTES = 32;

/** A bearer token as stored. The token cannot be computed from it. */
export interface StoredToken {
  name: string;
  grants: Grant[];
  /** Of the whole token, in hex. A plain hash is enough for 256 random bits. */
  sha256: string;
  /** RFC 3339. */
  created: string;
  /** RFC 3339; absent when the token does not expire. */
  expires?: string;
}

export const storedTokensSchema = Joi.array().items(
  Joi.object<StoredToken>({
    name: Joi.string().required(),
    grants: Joi.array().items(grantSchema).min(1).required(),
    sha256: Joi.string().hex().length(64).required(),
    created: Joi.string().isoDate().required(),
    expires: Joi.string().isoDate(),
  }),
);

/** A token as formats before 6 have it. */
interface EarlierToken extends Omit<StoredToken, 'grants'> {
  scope: Scope;
}

/** Gives the tokens of an earlier format what their scopes permit. */
export const withGrants = (tokens: readonly (StoredToken | EarlierToken)[]): StoredToken[] =>
  tokens.map((token) => {
    if ('grants' in token) return token;
    const { name, scope, ...rest } = token;
    return { name, grants: grantsOfScope(scope), ...rest };
  });

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/**
 * Makes a token. Only its hash is stored, so show it to the user now.
 * @param lifetimeMs milliseconds; absent for a token that does not expire
 */
export const newToken = (
  name: string,
  grants: Grant[],
  lifetimeMs?: number,
): { token: string; stored: StoredToken } => {
  const token = PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
  const now = Date.now();
  const expires = lifetimeMs === undefined ? {} : { expires: new Date(now + lifetimeMs).toISOString() };
  const created = new Date(now).toISOString();
  return { token, stored: { name, grants, sha256: hashToken(token), created, ...expires } };
};

export const hasExpired = ({ expires }: StoredToken): boolean =>
  expires !== undefined && Date.parse(expires) <= Date.now();

export const principalOf = ({ name, grants }: StoredToken): Principal => ({ name, grants, owner: name });

/** @throws {AgentError} `conflict` when the name is taken */
export const withToken = (tokens: readonly StoredToken[], added: StoredToken): StoredToken[] => {
  if (tokens.some(({ name }) => name === added.name))
    throw new AgentError('conflict', `token ${added.name} already exists: revoke it, or choose another name`);
  return [...tokens, added];
};

/** @throws {AgentError} `not_found` */
export const withoutToken = (tokens: readonly StoredToken[], name: string): StoredToken[] => {
  if (!tokens.some((token) => token.name === name))
    throw new AgentError('not_found', `token ${name}: not found`);
  return tokens.filter((token) => token.name !== name);
};
