import { join } from 'node:path';
import type { Lifecycle, Server, ServerRoute } from '@hapi/hapi';
import * as Inert from '@hapi/inert';
import './hapi-types.js';

/** A public file, or all files below a directory. */
export interface StaticPage {
  /** The URL's path. */
  path: string;
  /** The directory that the files are in; no other file is served. */
  directory: string;
  /** The one file to serve; absent for all below the directory. */
  file?: string;
}

/**
 * Lets pages load nothing from elsewhere and run no inline script. Styles may be inline, because Swagger UI and
 * xterm.js set them on their elements.
 */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

const withHeaders: Lifecycle.Method = ({ response }, h) => {
  if (!('isBoom' in response))
    for (const [name, value] of Object.entries(HEADERS)) response.header(name, value);
  return h.continue;
};

const toHapiRoute = ({ path, directory, file }: StaticPage): ServerRoute => ({
  method: 'GET',
  ...(file === undefined
    ? { path: `${path}/{file*}`, handler: { directory: { path: directory, index: false } } }
    : { path, handler: { file: { path: join(directory, file), confine: directory } } }),
  options: { auth: false, app: { can: 'public' }, ext: { onPreResponse: { method: withHeaders } } },
});

/** Serves static files without credentials: they hold no secret and call the API like any client. */
export const servePages = async (server: Server, pages: readonly StaticPage[]): Promise<void> => {
  await server.register(Inert.plugin);
  server.route(pages.map(toHapiRoute));
};
