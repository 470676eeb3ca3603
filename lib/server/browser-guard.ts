import { isIP } from 'node:net';
import { forbidden } from '@hapi/boom';
import type { Lifecycle, Request } from '@hapi/hapi';
import type { Access } from './access.js';

/** Throws when a request is not to be answered. */
export type Check = (request: Request) => void;

/** Several checks as one extension: to hapi each is some of what a small answer costs. */
export const checking =
  (...checks: Check[]): Lifecycle.Method =>
  (request, h) => {
    for (const check of checks) check(request);
    return h.continue;
  };

/** The name in a Host header, without the port. */
const nameOf = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();

const isLocalName = (name: string): boolean =>
  isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');

/**
 * Where no client has to say who it is, a page of another site must not ask by a name of its own that it has resolve
 * to this machine (DNS rebinding).
 */
const refuseForeignNames = (): Check => {
  // Nearly all requests have the same.
  let lastLocal: string | undefined;
  return ({ headers }) => {
    const host = headers.host as string | undefined;
    if (host === undefined || host === lastLocal) return;
    if (!isLocalName(nameOf(host)))
      throw forbidden(`${host} is not a name of this machine alone: ask for localhost, or set server.auth`);
    lastLocal = host;
  };
};

/** What a route's `app` says of it: whether it is for everybody, whoever else has to say who it is. */
export interface PublicRoute {
  isPublic: boolean;
}

/** Whether a person follows a link, from wherever, to what is for everybody: the console, the page on the API. */
const isLinkToPublic = ({ headers, method, route }: Request): boolean =>
  method === 'get' &&
  headers['sec-fetch-mode'] === 'navigate' &&
  headers['sec-fetch-dest'] === 'document' &&
  (route.settings.app as PublicRoute | undefined)?.isPublic === true;

/**
 * Where a browser lets in whatever page it shows (nobody has to say who it is, or the user's certificate says it), a
 * page of another site must not ask for anything.
 */
const refuseForeignPages: Check = (request) => {
  const { headers } = request;
  const site = headers['sec-fetch-site'] as string | undefined;
  const origin = headers.origin as string | undefined;
  const isForeign = origin !== undefined && origin.replace(/^https?:\/\//, '') !== headers.host;
  if (!isForeign && site !== 'cross-site' && site !== 'same-site') return;
  if (!isLinkToPublic(request)) throw forbidden('pages of other sites may not use this agent');
};

/** What has to be checked of every request, where a browser would let in whatever page it shows. */
export const browserGuard = (access: Access): Check[] => {
  if ('everyone' in access) return [refuseForeignNames(), refuseForeignPages];
  return access.certificates ? [refuseForeignPages] : [];
};
