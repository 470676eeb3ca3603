import test from 'ava';
import type { TokenRegistry } from '../../lib/auth/token-registry.js';
import { serveApi } from '../helpers/api.js';

const sources = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');

for (const page of ['/', '/docs']) {
  test(`${page} loads only files that the agent serves`, async (t) => {
    const { call } = await serveApi(t);
    const { status, headers, text } = await call('GET', page);
    t.is(status, 200);
    t.regex(headers.get('content-type') ?? '', /^text\/html/);
    const parts = sources(text).filter((path) => !path.startsWith('#'));
    t.true(parts.length >= 3);
    for (const path of parts) {
      t.regex(path, /^\//);
      t.is((await call('GET', path)).status, 200, path);
    }
  });

  test(`${page} runs only the agent's scripts and cannot be framed`, async (t) => {
    const { call } = await serveApi(t);
    const { headers, text } = await call('GET', page);
    const policy = headers.get('content-security-policy') ?? '';
    t.regex(policy, /default-src 'self'.*frame-ancestors 'none'/);
    t.notRegex(policy, /script-src/);
    t.notRegex(text, /<script>|\son\w+=/);
    t.is(headers.get('x-content-type-options'), 'nosniff');
  });
}

test('lets browsers install the console as an app', async (t) => {
  const { call } = await serveApi(t);
  const { headers, body } = await call('GET', '/console/app.webmanifest');
  t.regex(headers.get('content-type') ?? '', /^application\/manifest\+json/);
  const { icons, display } = body as { icons: { src: string; type: string }[]; display: string };
  t.is(display, 'standalone');
  for (const { src, type } of icons) {
    const icon = await call('GET', src);
    t.is(icon.status, 200, src);
    t.is(icon.headers.get('content-type'), type);
  }
});

const LOADED = /(?:from|import\()\s*["'](\.{0,2}\/[^"']+\.m?js)["']/g;

/** Collects a module's imports and theirs. */
const modulesOf = async (
  load: (path: string) => Promise<string>,
  path: string,
  found = new Set<string>(),
): Promise<Set<string>> => {
  if (found.has(path)) return found;
  found.add(path);
  for (const [, target = ''] of (await load(path)).matchAll(LOADED))
    await modulesOf(load, new URL(target, `http://agent${path}`).pathname, found);
  return found;
};

test('serves every module of the console without credentials', async (t) => {
  const tokens = { find: async () => undefined } as unknown as TokenRegistry;
  const { url } = await serveApi(t, {}, undefined, { access: { tokens, certificates: undefined } });
  const modules = await modulesOf(async (path) => {
    const response = await fetch(url + path);
    t.is(response.status, 200, path);
    t.regex(response.headers.get('content-type') ?? '', /^text\/javascript/, path);
    return response.text();
  }, '/console/js/web/console/main.js');
  for (const name of ['novnc/core/rfb.js', 'xterm/xterm.mjs', 'eventsource-parser/index.js'])
    t.true(modules.has(`/console/vendor/${name}`), name);
  t.true((await fetch(`${url}/console/vendor/xterm/xterm.css`)).ok);
  t.is((await fetch(`${url}/guests`)).status, 401);
});

test('serves no file beside the pages', async (t) => {
  const { call } = await serveApi(t);
  for (const path of [
    '/docs/..%2f..%2fpackage.json',
    '/docs/%2e%2e%2fserver.js',
    '/docs/assets/..%2f..%2fava%2fpackage.json',
    '/docs/nothing',
    '/console/js/agent/agent.js',
    '/console/js/web/console/..%2f..%2f..%2fagent%2fagent.js',
    '/console/vendor/novnc/core/..%2f..%2fpackage.json',
    '/console/tsconfig.json',
    '/console/',
  ])
    t.true([400, 404, 403].includes((await call('GET', path)).status), path);
});
