import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from '../lib/files/package-root.js';
import type { StaticPage } from '../lib/server/static-pages.js';

const WEB = join(packageRoot, 'lib', 'web');
const CONSOLE = join(WEB, 'console');
/** The compiled form of `lib`. */
const COMPILED = join(packageRoot, 'dist', 'lib');

/** Finds the directory of the module that a package exports by that name. */
const packageDirectory = (name: string): string => dirname(createRequire(import.meta.url).resolve(name));

const NOVNC = join(packageDirectory('@novnc/novnc'), '..');
const XTERM = join(packageDirectory('@xterm/xterm'), '..');
const XTERM_FIT = packageDirectory('@xterm/addon-fit');
const EVENTSOURCE_PARSER = packageDirectory('eventsource-parser');
const YAML = join(packageDirectory('yaml'), '..', 'browser', 'dist');

/**
 * The modules outside of `lib/web` and `lib/portable` that the console imports. None of them, nor their imports, may
 * need Node.
 */
const SHARED = [
  'client/container-spec.js',
  'client/create-line.js',
  'client/errors.js',
  'client/guest-spec.js',
  'client/path.js',
  'client/upload-pieces.js',
  'model/actions.js',
  'model/cd-drives.js',
  'model/change-words.js',
  'model/devices.js',
  'model/disks.js',
  'model/good-backup.js',
  'model/guest-size.js',
  'model/hardware-options.js',
  'model/history.js',
  'model/intent.js',
  'model/job.js',
  'model/nics.js',
  'model/schedule.js',
  'model/enumerate.js',
  'model/units.js',
] as const;

/** What browsers install the console as an app with. */
const APP_FILES = ['app.webmanifest', 'icon.svg', 'icon-192.png', 'icon-512.png', 'icon-maskable.png'];

const consolePages: StaticPage[] = [
  { path: '/', directory: CONSOLE, file: 'index.html' },
  { path: '/console/style.css', directory: CONSOLE, file: 'style.css' },
  ...APP_FILES.map((file) => ({ path: `/console/${file}`, directory: CONSOLE, file })),
  { path: '/console/js/web/console', directory: join(COMPILED, 'web', 'console') },
  { path: '/console/js/portable', directory: join(COMPILED, 'portable') },
  ...SHARED.map((file) => ({ path: `/console/js/${file}`, directory: COMPILED, file })),
  { path: '/console/vendor/novnc/core', directory: join(NOVNC, 'core') },
  { path: '/console/vendor/novnc/vendor/pako', directory: join(NOVNC, 'vendor', 'pako') },
  { path: '/console/vendor/xterm/xterm.mjs', directory: XTERM, file: 'lib/xterm.mjs' },
  { path: '/console/vendor/xterm/xterm.css', directory: XTERM, file: 'css/xterm.css' },
  { path: '/console/vendor/xterm-fit/addon-fit.mjs', directory: XTERM_FIT, file: 'addon-fit.mjs' },
  { path: '/console/vendor/yaml', directory: YAML },
  { path: '/console/vendor/eventsource-parser/index.js', directory: EVENTSOURCE_PARSER, file: 'index.js' },
];

const documentationPages: StaticPage[] = [
  { path: '/docs', directory: WEB, file: 'docs/index.html' },
  { path: '/docs/assets', directory: packageDirectory('swagger-ui-dist/package.json') },
  { path: '/docs', directory: join(WEB, 'docs') },
];

/** The web console and the API's documentation. */
export const pages: readonly StaticPage[] = [...consolePages, ...documentationPages];
