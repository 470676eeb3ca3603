import type { TLSSocket } from 'node:tls';
import { Boom } from '@hapi/boom';
import type { Lifecycle, Request, ResponseToolkit, Server, ServerAuthSchemeObject } from '@hapi/hapi';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { included, type Principal } from '../model/principal.js';
import type { Access } from './access.js';

/** Wrong tokens that an address may show in a minute; those that are good work all the while. */
const MAX_WRONG_TOKENS = 20;

/** How hapi is told who it is, and what they may do. */
interface Credentials {
  principal: Principal;
  scope: string[];
  /** Absent where it cannot change while a connection lasts. */
  isStillGood: (() => Promise<boolean>) | undefined;
}

/** How soon what a token has opened is closed when it is good no more. */
const RECHECK_MS = 1000;

const credentialsOf = (principal: Principal, isStillGood?: () => Promise<boolean>): Credentials => ({
  principal,
  scope: included(principal.scope),
  isStillGood,
});

/** RFC 6750, 3: a client that showed nothing is told no error. */
const unauthorized = (message: string, error?: 'invalid_token'): Boom => {
  const boom = new Boom(message, { statusCode: 401 });
  boom.output.headers['WWW-Authenticate'] = `Bearer realm="mistify"${error ? `, error="${error}"` : ''}`;
  return boom;
};

/** How a browser, which can set no headers on a WebSocket, shows a token: RFC 6455, 11.5, names a subprotocol so. */
const TOKEN_PROTOCOL = /^mistify\.token\.([A-Za-z0-9_-]+)$/;

/** The token among the subprotocols that are offered. */
const tokenOffered = ({ headers }: Request): string | undefined => {
  const offered = String(headers['sec-websocket-protocol'] ?? '').split(',');
  const [token] = offered.flatMap((name) => TOKEN_PROTOCOL.exec(name.trim())?.[1] ?? []);
  return token === undefined ? undefined : Buffer.from(token, 'base64url').toString();
};

const bearer = (request: Request): string | undefined => {
  const header = request.headers.authorization as string | undefined;
  return header === undefined ? tokenOffered(request) : (/^Bearer +([\x21-\x7e]+)$/i.exec(header)?.[1] ?? '');
};

/** The common name of the certificate that the client has shown, when one of our authorities has signed it. */
const commonName = ({ raw }: Request): string | undefined => {
  const socket = raw.req.socket as TLSSocket;
  if (!socket.authorized) return undefined;
  const { CN } = socket.getPeerCertificate().subject;
  return Array.isArray(CN) ? CN[0] : CN;
};

/** Where clients have to say who they are. */
type ByProof = Exclude<Access, { everyone: Principal }>;

/** Tells who asks, of all who come in by one way. */
class Authenticator {
  readonly #access: ByProof;
  readonly #wrong = new RateLimiterMemory({ points: MAX_WRONG_TOKENS, duration: 60 });

  constructor(access: ByProof) {
    this.#access = access;
  }

  async authenticate(request: Request): Promise<Credentials> {
    const { tokens, certificates } = this.#access;
    const token = tokens && bearer(request);
    if (token !== undefined) return this.#byToken(request, token);
    const name = certificates && commonName(request);
    if (name === undefined) throw unauthorized(`say who you are: ${this.#ways()}`);
    const scope = certificates?.get(name);
    if (!scope)
      throw new Boom(`the certificate of ${name} is not one of server.certificates`, { statusCode: 403 });
    return credentialsOf({ name, scope });
  }

  async #byToken(request: Request, token: string): Promise<Credentials> {
    const { tokens } = this.#access;
    const principal = await tokens?.find(token);
    if (principal) return credentialsOf(principal, async () => (await tokens?.find(token)) !== undefined);
    throw await this.#refuseToken(request.info.remoteAddress);
  }

  async #refuseToken(address: string): Promise<Boom> {
    try {
      await this.#wrong.consume(address);
      return unauthorized('this token is unknown, revoked or expired', 'invalid_token');
    } catch (limit) {
      const boom = new Boom('too many wrong tokens came from your address', { statusCode: 429 });
      boom.output.headers['Retry-After'] = String(Math.ceil((limit as RateLimiterRes).msBeforeNext / 1000));
      return boom;
    }
  }

  #ways(): string {
    const { tokens, certificates } = this.#access;
    const ways = [
      ...(tokens ? ['Authorization: Bearer TOKEN, with one that `mistify token create` has made'] : []),
      ...(certificates ? ['a client certificate'] : []),
    ];
    return ways.join(', or ');
  }
}

/** Who asks at the servers where all are the same. */
const everyoneOf = new WeakMap<object, Principal>();

/** Has every route of a server ask who it is, unless it says otherwise, or all are the same. */
export const requirePrincipals = (server: Server, access: Access): void => {
  if ('everyone' in access) {
    everyoneOf.set(server.listener, access.everyone);
    return;
  }
  const authenticator = new Authenticator(access);
  const scheme = (): ServerAuthSchemeObject => ({
    authenticate: async (request: Request, h: ResponseToolkit): Promise<Lifecycle.ReturnValue> => {
      const credentials = await authenticator.authenticate(request);
      return h.authenticated({ credentials: credentials as never });
    },
  });
  server.auth.scheme('principal', scheme);
  server.auth.strategy('principal', 'principal');
  server.auth.default('principal');
};

/** Who asks; nobody on a route that is for everybody. */
export const principalOf = ({ auth, server }: Request): Principal | undefined =>
  (auth.credentials as unknown as Credentials | null)?.principal ?? everyoneOf.get(server.listener);

/**
 * Calls back once the token that let a request in is revoked or has expired: what it has opened may last for days.
 * @returns ends the watch
 */
export const whenRevoked = ({ auth }: Request, end: () => void): (() => void) => {
  const { isStillGood } = (auth.credentials as unknown as Credentials | null) ?? {};
  if (!isStillGood) return () => {};
  const check = async (): Promise<void> => {
    if (await isStillGood()) return;
    clearInterval(timer);
    end();
  };
  const timer = setInterval(() => void check(), RECHECK_MS);
  return () => clearInterval(timer);
};
