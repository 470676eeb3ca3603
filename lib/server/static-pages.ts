import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Lifecycle, Server, ServerRoute } from '@hapi/hapi';
import * as Inert from '@hapi/inert';
import { packageRoot } from '../files/package-root.js';
import type { PublicRoute } from './browser-guard.js';

const WEB = join(packageRoot, 'lib', 'web');
const CONSOLE = join(WEB, 'console');
/** What is compiled of `lib`. */
const COMPILED = join(packageRoot, 'dist', 'lib');

/** The directory of what a package exports. */
const packageDirectory = (name: string): string => dirname(createRequire(import.meta.url).resolve(name));

const SWAGGER_UI = packageDirectory('swagger-ui-dist/package.json');
const NOVNC = join(packageDirectory('@novnc/novnc'), '..');
const XTERM = join(packageDirectory('@xterm/xterm'), '..');

/**
 * A page runs nothing and shows nothing that does not come from the agent. Swagger UI and xterm.js set styles in their
 * elements.
 */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

/** The modules outside `lib/web` that the console imports. None of them, nor their imports, may need Node. */
const SHARED = [
  'client/errors.js',
  'client/guest-spec.js',
  'client/path.js',
  'model/actions.js',
  'model/job.js',
  'portable/format.js',
  'portable/rates.js',
  'portable/size.js',
] as const;

const file = (path: string, of: string, name: string): ServerRoute => ({
  method: 'GET',
  path,
  handler: { file: { path: join(of, name), confine: of } },
});

const directory = (path: string, of: string): ServerRoute => ({
  method: 'GET',
  path: `${path}/{file*}`,
  handler: { directory: { path: of, index: false } },
});

const consolePages: ServerRoute[] = [
  file('/', CONSOLE, 'index.html'),
  file('/console/style.css', CONSOLE, 'style.css'),
  file('/console/icon.svg', CONSOLE, 'icon.svg'),
  directory('/console/js/web/console', join(COMPILED, 'web', 'console')),
  ...SHARED.map((name) => file(`/console/js/${name}`, COMPILED, name)),
  directory('/console/vendor/novnc/core', join(NOVNC, 'core')),
  directory('/console/vendor/novnc/vendor/pako', join(NOVNC, 'vendor', 'pako')),
  file('/console/vendor/xterm/xterm.mjs', XTERM, 'lib/xterm.mjs'),
  file('/console/vendor/xterm/xterm.css', XTERM, 'css/xterm.css'),
  file('/console/vendor/xterm-fit/addon-fit.mjs', packageDirectory('@xterm/addon-fit'), 'addon-fit.mjs'),
  file('/console/vendor/eventsource-parser/index.js', packageDirectory('eventsource-parser'), 'index.js'),
];

const documentationPages: ServerRoute[] = [
  file('/docs', WEB, 'docs/index.html'),
  directory('/docs/assets', SWAGGER_UI),
  directory('/docs', join(WEB, 'docs')),
];

/** The pages for people: static files, which ask the API like any client. They are no secret. */
const pages = [...consolePages, ...documentationPages];

const withHeaders: Lifecycle.Method = ({ response }, h) => {
  if (!('isBoom' in response))
    for (const [name, value] of Object.entries(HEADERS)) response.header(name, value);
  return h.continue;
};

export const servePages = async (server: Server): Promise<void> => {
  await server.register(Inert.plugin);
  const app: PublicRoute = { isPublic: true };
  const options = { auth: false, app, ext: { onPreResponse: { method: withHeaders } } } as const;
  server.route(pages.map((page) => ({ ...page, options })));
};
