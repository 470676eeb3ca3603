import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Lifecycle, Server } from '@hapi/hapi';
import * as Inert from '@hapi/inert';
import { packageRoot } from '../lib/package-root.js';

const WEB = join(packageRoot, 'lib', 'web');
const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** A page runs nothing and shows nothing that does not come from the agent. Swagger UI sets styles in its elements. */
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

/** Serves the pages for people: static files, which ask the API like any client. They are no secret. */
export const servePages = async (server: Server): Promise<void> => {
  await server.register(Inert.plugin);
  const ext = { onPreResponse: { method: withHeaders } };
  const pages = { method: 'GET', options: { auth: false, ext } } as const;
  server.route([
    { ...pages, path: '/docs', handler: { file: { path: join(WEB, 'docs', 'index.html'), confine: WEB } } },
    { ...pages, path: '/docs/{file}', handler: { directory: { path: join(WEB, 'docs'), index: false } } },
    { ...pages, path: '/docs/assets/{file}', handler: { directory: { path: SWAGGER_UI, index: false } } },
  ]);
};
