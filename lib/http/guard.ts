import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Reachable } from './reachable.js';

/** A connection was refused because its address is not on the Internet and not listed in the config. */
export class UnreachableAddressError extends Error {
  override readonly name = 'UnreachableAddressError';

  constructor(address: string, kind: string, host = address) {
    const subject = host === address ? address : `${host} is ${address}, which`;
    super(
      `${subject} is a ${kind} address: list it under "private_addresses" in the config (--private-address of a ` +
        'sub-agent) to allow it',
    );
  }
}

/** Returns the refusal that caused an error, however often it was wrapped. */
export const unreachableIn = (error: unknown): UnreachableAddressError | undefined => {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof UnreachableAddressError) return cause;
  return undefined;
};

type Callback = Parameters<LookupFunction>[2];

/** Resolves names to addresses that may be reached; see `LookupFunction`. Replaced in tests. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Makes a lookup that drops addresses that may not be reached. The connection is made to what it returns, so a name
 * that resolves to another address the next time gains nothing.
 */
export const guardedLookup =
  (reachable: Reachable, resolve: Resolve = lookup): LookupFunction =>
  (hostname, options, callback: Callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const allowed = addresses.filter(({ address }) => reachable.obstacle(address) === undefined);
      const [first] = allowed;
      if (!first) {
        const [refused] = addresses;
        const { address = hostname } = refused ?? {};
        return callback(
          new UnreachableAddressError(address, reachable.obstacle(address) ?? '', hostname),
          [],
        );
      }
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };

/** `Agent.createConnection` of node:http. */
type Connect = HttpAgent['createConnection'];

/** `HOST:PORT` of the servers that the operator named: proxies in the environment, and an image server. */
const serverKey = ({ protocol, hostname, port }: URL): string =>
  `${hostname.replace(/^\[|\]$/g, '')}:${port || (protocol === 'https:' ? '443' : '80')}`;

const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy'];

const proxies = (): string[] =>
  PROXY_VARIABLES.flatMap((name) => process.env[name] ?? process.env[name.toUpperCase()] ?? [])
    .map((value) => (value.includes('://') ? value : `http://${value}`))
    .filter((value) => URL.canParse(value));

export interface GuardOptions {
  reachable: Reachable;
  /** URLs of servers that the operator named and that may have any address. */
  trusted?: readonly string[];
  resolve?: Resolve;
}

/**
 * The options of axios that keep a request, and its redirects, to addresses that may be reached. Each request has a new
 * connection: the server may just be closing an idle one.
 */
export interface Guard {
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
  beforeRedirect: (options: Record<string, unknown>) => void;
  /**
   * Checks a URL whose host is an address, which a proxy would be asked to connect to.
   * @throws {UnreachableAddressError}
   */
  check: (url: URL) => void;
}

export const createGuard = ({ reachable, trusted = [], resolve }: GuardOptions): Guard => {
  const named = new Set([...trusted, ...proxies()].map((url) => serverKey(new URL(url))));
  const guardedResolve = guardedLookup(reachable, resolve);
  const check = (host: string, key: string): void => {
    const kind = isIP(host) === 0 || named.has(key) ? undefined : reachable.obstacle(host);
    if (kind !== undefined) throw new UnreachableAddressError(host, kind);
  };
  /** Wraps the method of an agent that connects. Node skips the lookup for a host that is an address. */
  const guarding =
    (connect: Connect): Connect =>
    (options, callback) => {
      const host = options.host ?? '';
      const key = `${host}:${options.port ?? options.defaultPort}`;
      try {
        check(host, key);
      } catch (error) {
        process.nextTick(() => callback?.(error as Error, undefined as never));
        return undefined;
      }
      return connect(named.has(key) ? options : { ...options, lookup: guardedResolve }, callback);
    };
  class GuardedHttpAgent extends HttpAgent {
    override createConnection = guarding(super.createConnection.bind(this));
  }
  class GuardedHttpsAgent extends HttpsAgent {
    override createConnection = guarding(super.createConnection.bind(this));
  }
  const checkUrl = (url: URL): void => check(url.hostname.replace(/^\[|\]$/g, ''), serverKey(url));
  return {
    httpAgent: new GuardedHttpAgent({ keepAlive: false }),
    httpsAgent: new GuardedHttpsAgent({ keepAlive: false }),
    beforeRedirect: ({ href }) => checkUrl(new URL(String(href))),
    check: checkUrl,
  };
};
