import { isIP } from 'node:net';
import { forbidden } from '@hapi/boom';
import type { Lifecycle } from '@hapi/hapi';

/** The name in a Host header, without the port. */
const nameOf = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();

const isLocalName = (name: string): boolean =>
  isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost');

/**
 * Where no client has to say who it is, a page of another site must not make the user's own browser ask for it: not
 * by a name of its own that it has resolve to this machine (DNS rebinding), nor from where it comes from.
 */
export const guardAgainstBrowsers: Lifecycle.Method = ({ headers }, h) => {
  const host = headers.host as string | undefined;
  if (host !== undefined && !isLocalName(nameOf(host)))
    throw forbidden(`${host} is not a name of this machine alone: ask for localhost, or set server.auth`);
  const site = headers['sec-fetch-site'] as string | undefined;
  const origin = headers.origin as string | undefined;
  const isForeign = origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
  if (isForeign || site === 'cross-site' || site === 'same-site')
    throw forbidden('pages of other sites may not use this agent');
  return h.continue;
};
