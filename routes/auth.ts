import type { TLSSocket } from 'node:tls';
import { Boom } from '@hapi/boom';
import type { Lifecycle, Request, ResponseToolkit, Server, ServerAuthSchemeObject } from '@hapi/hapi';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { included, type Principal } from '../lib/auth/principal.js';
import type { Access } from './access.js';
import { tokenOffered } from './web-sockets.js';

/** Wrong tokens that an address may show in a minute; those that are good work all the while. */
const MAX_WRONG_TOKENS = 20;

/** How hapi is told who it is, and what they may do. */
interface Credentials {
  principal: Principal;
  scope: string[];
}

const credentialsOf = (principal: Principal): Credentials => ({
  principal,
  scope: included(principal.scope),
});

/** RFC 6750, 3: a client that showed nothing is told no error. */
const unauthorized = (message: string, error?: 'invalid_token'): Boom => {
  const boom = new Boom(message, { statusCode: 401 });
  boom.output.headers['WWW-Authenticate'] = `Bearer realm="mistify"${error ? `, error="${error}"` : ''}`;
  return boom;
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

/** Tells who asks, of all who come in by one way. */
class Authenticator {
  readonly #access: Access;
  readonly #wrong = new RateLimiterMemory({ points: MAX_WRONG_TOKENS, duration: 60 });

  constructor(access: Access) {
    this.#access = access;
  }

  async authenticate(request: Request): Promise<Principal> {
    if ('everyone' in this.#access) return this.#access.everyone;
    const { tokens, certificates } = this.#access;
    const token = tokens && bearer(request);
    if (token !== undefined) return this.#byToken(request, token);
    const name = certificates && commonName(request);
    if (name === undefined) throw unauthorized(`say who you are: ${this.#ways()}`);
    const scope = certificates?.get(name);
    if (!scope)
      throw new Boom(`the certificate of ${name} is not one of server.certificates`, { statusCode: 403 });
    return { name, scope };
  }

  async #byToken(request: Request, token: string): Promise<Principal> {
    const { tokens } = this.#access as Exclude<Access, { everyone: Principal }>;
    const principal = await tokens?.find(token);
    if (principal) return principal;
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
    const { tokens, certificates } = this.#access as Exclude<Access, { everyone: Principal }>;
    const ways = [
      ...(tokens ? ['Authorization: Bearer TOKEN, with one that `mistify token create` has made'] : []),
      ...(certificates ? ['a client certificate'] : []),
    ];
    return ways.join(', or ');
  }
}

/** Has every route of a server ask who it is, unless it says otherwise. */
export const requirePrincipals = (server: Server, access: Access): void => {
  const authenticator = new Authenticator(access);
  const scheme = (): ServerAuthSchemeObject => ({
    authenticate: async (request: Request, h: ResponseToolkit): Promise<Lifecycle.ReturnValue> => {
      const credentials = credentialsOf(await authenticator.authenticate(request));
      return h.authenticated({ credentials: credentials as never });
    },
  });
  server.auth.scheme('principal', scheme);
  server.auth.strategy('principal', 'principal');
  server.auth.default('principal');
};

/** Who asks; nobody on a route that is for everybody. */
export const principalOf = ({ auth }: Request): Principal | undefined =>
  (auth.credentials as unknown as Credentials | null)?.principal;
