import test from 'ava';
import { serveApi } from '../helpers/api.js';

const sources = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');

test('/docs is a page on the API whose parts are all served by the agent', async (t) => {
  const { call } = await serveApi(t);
  const { status, headers, text } = await call('GET', '/docs');
  t.is(status, 200);
  t.regex(headers.get('content-type') ?? '', /^text\/html/);
  const parts = sources(text);
  t.true(parts.length >= 4);
  for (const path of parts) {
    t.regex(path, /^\//);
    t.is((await call('GET', path)).status, 200, path);
  }
});

test('a page runs no scripts but those of the agent, and is shown in no frame', async (t) => {
  const { call } = await serveApi(t);
  const { headers, text } = await call('GET', '/docs');
  const policy = headers.get('content-security-policy') ?? '';
  t.regex(policy, /default-src 'self'.*frame-ancestors 'none'/);
  t.notRegex(policy, /script-src/);
  t.notRegex(text, /<script>|\son\w+=/);
  t.is(headers.get('x-content-type-options'), 'nosniff');
});

test('nothing but the pages is served of the files around them', async (t) => {
  const { call } = await serveApi(t);
  for (const path of [
    '/docs/..%2f..%2fpackage.json',
    '/docs/%2e%2e%2fserver.js',
    '/docs/assets/..%2f..%2fava%2fpackage.json',
    '/docs/nothing',
  ])
    t.true([400, 404, 403].includes((await call('GET', path)).status), path);
});
