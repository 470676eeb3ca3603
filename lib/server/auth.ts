import type { TLSSocket } from 'node:tls';
import { Boom } from '@hapi/boom';
import type {
  AuthCredentials,
  Lifecycle,
  Request,
  ResponseToolkit,
  Server,
  ServerAuthSchemeObject,
} from '@hapi/hapi';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Principal } from '../model/principal.js';
import { may, mayEverywhere, VERBS } from '../model/rights.js';
import type { Access } from './access.js';
import { overAll } from './route.js';
import './hapi-types.js';

/** Failed attempts allowed per address per minute. Valid tokens are never limited. */
const MAX_FAILED_ATTEMPTS = 20;

/** How often an open stream or console checks its token, in milliseconds. */
const RECHECK_MS = 1000;

/** Makes a 401. A client that sent no credentials gets no error code (RFC 6750, 3). */
const unauthorized = (message: string, error?: 'invalid_token'): Boom => {
  const boom = new Boom(message, { statusCode: 401 });
  boom.output.headers['WWW-Authenticate'] = `Bearer realm="mistify"${error ? `, error="${error}"` : ''}`;
  return boom;
};

/**
 * Carries a browser's token: the subprotocols are the only header that a page can set on a WebSocket (RFC 6455, 11.5).
 */
const TOKEN_PROTOCOL = /^mistify\.token\.([A-Za-z0-9_-]+)$/;

/** Finds the token among the offered subprotocols. */
const offeredToken = ({ headers }: Request): string | undefined => {
  const offered = String(headers['sec-websocket-protocol'] ?? '').split(',');
  const [token] = offered.flatMap((name) => TOKEN_PROTOCOL.exec(name.trim())?.[1] ?? []);
  return token === undefined ? undefined : Buffer.from(token, 'base64url').toString();
};

/** Reads a request's token: `undefined` without one, `''` when the Authorization header is malformed. */
const bearer = (request: Request): string | undefined => {
  const header = request.headers.authorization as string | undefined;
  return header === undefined ? offeredToken(request) : (/^Bearer +([\x21-\x7e]+)$/i.exec(header)?.[1] ?? '');
};

/** Reads the common name of the client's certificate, provided that `client_ca` has signed it. */
const commonName = ({ raw }: Request): string | undefined => {
  const socket = raw.req.socket as TLSSocket;
  if (!socket.authorized) return undefined;
  const { CN } = socket.getPeerCertificate().subject;
  return Array.isArray(CN) ? CN[0] : CN;
};

/** Lists what hapi compares with `scopeOf` a route: the rights for some guests, and those for all and the host. */
const rightsOf = (principal: Principal): string[] =>
  VERBS.flatMap((verb) => [
    ...(may(principal, verb) ? [verb] : []),
    ...(mayEverywhere(principal, verb) ? [overAll(verb)] : []),
  ]);

/** The access rules of an endpoint whose clients need credentials. */
type Authenticated = Exclude<Access, { everyone: Principal }>;

/** Identifies the clients of one endpoint by their tokens or certificates. */
class Authenticator {
  readonly #access: Authenticated;
  readonly #failures = new RateLimiterMemory({ points: MAX_FAILED_ATTEMPTS, duration: 60 });

  constructor(access: Authenticated) {
    this.#access = access;
  }

  /** @throws {Boom} 401 or 403, or 429 after too many failed attempts */
  async authenticate(request: Request): Promise<AuthCredentials> {
    const { tokens, certificates } = this.#access;
    const token = tokens && bearer(request);
    if (token !== undefined) return this.#byToken(request, token);
    const name = certificates && commonName(request);
    if (name === undefined) throw this.#credentialsRequired();
    const grants = certificates?.get(name);
    if (!grants)
      throw new Boom(`certificate "${name}" is unknown: add its common name to server.certificates`, {
        statusCode: 403,
      });
    const principal = { name, grants, owner: name };
    return { principal, scope: rightsOf(principal) };
  }

  async #byToken(request: Request, token: string): Promise<AuthCredentials> {
    const { tokens } = this.#access;
    const principal = await tokens?.find(token);
    if (!principal) throw await this.#rejectToken(request);
    return {
      principal,
      scope: rightsOf(principal),
      isStillValid: async () => (await tokens?.find(token)) !== undefined,
    };
  }

  async #rejectToken({ app, info }: Request): Promise<Boom> {
    try {
      await this.#failures.consume(info.remoteAddress);
      return unauthorized('token unknown, revoked or expired', 'invalid_token');
    } catch (limit) {
      const { msBeforeNext } = limit as RateLimiterRes;
      app.hasTooManyFailures = true;
      const wait = Math.ceil(msBeforeNext / 1000);
      const boom = new Boom(`too many invalid tokens from your address: retry in ${wait} s`, {
        statusCode: 429,
      });
      boom.output.headers['Retry-After'] = String(wait);
      return boom;
    }
  }

  /** Makes a 401, or a 403 where a client has no header to authenticate with: a 401 must name one (RFC 9110, 15.5.2). */
  #credentialsRequired(): Boom {
    const message = `credentials required: ${this.#accepted()}`;
    return this.#access.tokens ? unauthorized(message) : new Boom(message, { statusCode: 403 });
  }

  #accepted(): string {
    const { tokens, certificates } = this.#access;
    const accepted = [
      ...(tokens
        ? [
            'send "Authorization: Bearer TOKEN" with a token from `mistify token create` (with the -c FILE of the agent, if it has one)',
          ]
        : []),
      ...(certificates ? ['present a client certificate'] : []),
    ];
    return accepted.join(', or ');
  }
}

/** Requires credentials on every route that does not opt out, unless all clients are the same principal. */
export const requirePrincipals = (server: Server, access: Access): void => {
  if ('everyone' in access) {
    server.app.everyone = access.everyone;
    return;
  }
  const authenticator = new Authenticator(access);
  const scheme = (): ServerAuthSchemeObject => ({
    authenticate: async (request: Request, h: ResponseToolkit): Promise<Lifecycle.ReturnValue> =>
      h.authenticated({ credentials: await authenticator.authenticate(request) }),
  });
  server.auth.scheme('principal', scheme);
  server.auth.strategy('principal', 'principal');
  server.auth.default('principal');
};

/** Returns the client's principal, or `undefined` on a public route. */
export const principalFrom = ({ auth, server }: Request): Principal | undefined =>
  // hapi's types do not say that unauthenticated requests have no credentials.
  auth.credentials?.principal ?? server.app.everyone;

/**
 * Calls `end` once the request's token is revoked or has expired, or the client has lost its right for the guest, since a
 * stream or console may last for days.
 * @returns stops watching
 */
export const onRevoked = ({ app: { mayStill }, auth }: Request, end: () => void): (() => void) => {
  const isStillValid = auth.credentials?.isStillValid;
  if (!isStillValid && !mayStill) return () => {};
  const check = async (): Promise<void> => {
    if ((mayStill?.() ?? true) && ((await isStillValid?.()) ?? true)) return;
    clearInterval(timer);
    end();
  };
  const timer = setInterval(() => void check(), RECHECK_MS);
  return () => clearInterval(timer);
};
