import { isIP } from 'node:net';
import { forbidden } from '@hapi/boom';
import type { Lifecycle, Request } from '@hapi/hapi';
import type { Access } from './access.js';
import './hapi-types.js';

/** Throws or rejects to reject a request. Nearly every call returns at once, because a promise costs each request. */
export type Check = (request: Request) => undefined | Promise<void>;

/** Combines checks into one hapi extension, because each extension slows down every request. */
export const checking =
  (...checks: Check[]): Lifecycle.Method =>
  (request, h) => {
    let pending: Promise<void> | undefined;
    for (const check of checks) pending = check(request) ?? pending;
    return pending ? pending.then(() => h.continue) : h.continue;
  };

/** Reads the name in a Host header, without the port. */
const nameOf = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();

const isLocalName = (name: string): boolean =>
  isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');

/**
 * Rejects names that only a foreign site would use. Where clients need no credentials, a page could otherwise point its
 * own domain name at this machine and reach the agent (DNS rebinding).
 */
const rejectForeignNames = (): Check => {
  // Nearly all requests carry the same Host header.
  let lastLocal: string | undefined;
  return ({ headers }) => {
    const host = headers.host as string | undefined;
    if (host === undefined || host === lastLocal) return undefined;
    if (!isLocalName(nameOf(host)))
      throw forbidden(
        `host "${host}" is not a local name: use localhost or an IP address, or set server.auth`,
      );
    lastLocal = host;
    return undefined;
  };
};

/** Whether the request follows a link, from any site, to a public page such as the console. */
const isLinkToPublic = ({ headers, method, route }: Request): boolean =>
  method === 'get' &&
  headers['sec-fetch-mode'] === 'navigate' &&
  headers['sec-fetch-dest'] === 'document' &&
  route.settings.app?.can === 'public';

/**
 * Rejects requests by pages of other sites. A browser sends them, and they would succeed where clients need no
 * credentials or where the browser adds the user's certificate.
 */
const rejectForeignPages: Check = (request) => {
  const { headers } = request;
  const site = headers['sec-fetch-site'] as string | undefined;
  const origin = headers.origin as string | undefined;
  const isForeign = origin !== undefined && origin.replace(/^https?:\/\//, '') !== headers.host;
  if (!isForeign && site !== 'cross-site' && site !== 'same-site') return undefined;
  if (!isLinkToPublic(request))
    throw forbidden('pages of other sites may not call this agent: open its own console instead');
  return undefined;
};

/** Returns the checks that reject foreign web pages, for agents that a browser can reach without a token. */
export const browserGuard = (access: Access): Check[] => {
  if ('everyone' in access) return [rejectForeignNames(), rejectForeignPages];
  return access.certificates ? [rejectForeignPages] : [];
};
