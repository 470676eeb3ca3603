import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { changeTokens, tokenFileOf } from '../../../lib/auth/token-file.js';
import { withoutToken } from '../../../lib/auth/tokens.js';
import { MistifyClient } from '../../../lib/client/index.js';
import { packageRoot } from '../../../lib/files/package-root.js';
import type { UpgradeRefused } from '../../../lib/http/websocket/dial.js';
import type { Scope } from '../../../lib/model/rights.js';
import { addGuest } from '../../helpers/agent.js';
import { view } from '../../helpers/console.js';
import { makeToken, serveGuarded } from '../../helpers/guarded.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G27.

type Headers = Record<string, string>;

const bearer = (token: string): Headers => ({ Authorization: `Bearer ${token}` });

const addToken = async (...token: Parameters<typeof makeToken>): Promise<Headers> =>
  bearer(await makeToken(...token));

test('grants each token exactly its scope', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const { id } = await addGuest(api.context, { state: 'shutoff' });
  const requests: [string, string, Scope][] = [
    ['GET', '/metrics', 'metrics'],
    ['GET', '/metrics/guests', 'read'],
    ['GET', '/guests', 'read'],
    ['GET', `/guests/${id}/metrics/cpu`, 'read'],
    ['GET', `/guests/${id}/snapshots/monday/download`, 'export'],
    ['PATCH', '/metadata', 'operate'],
    ['GET', `/guests/${id}/start`, 'operate'],
    ['POST', `/guests/${id}/start`, 'operate'],
    ['GET', '/debug/pprof/cmdline', 'admin'],
  ];
  const scopes: Scope[] = ['metrics', 'read', 'export', 'operate', 'admin'];
  for (const [level, scope] of scopes.entries()) {
    const headers = await addToken(dbpath, scope, scope);
    for (const [method, path, needed] of requests) {
      const { status } = await api.call(method, path, method === 'PATCH' ? {} : undefined, headers);
      if (scopes.indexOf(needed) <= level) t.true(status < 300, `${scope}: ${method} ${path}: ${status}`);
      else t.is(status, 403, `${scope}: ${method} ${path}`);
    }
  }
});

test('rejects a missing or invalid token with 401 and says what to send', async (t) => {
  const { api } = await serveGuarded(t);
  const none = await api.call('GET', '/guests');
  t.like(none, { status: 401, body: { code: 401, stack: [] } });
  t.is(none.headers.get('www-authenticate'), 'Bearer realm="mistify"');
  t.regex(none.text, /mistify token create/);
  for (const headers of [bearer('mistify_wrong'), { Authorization: 'Basic YTpi' }]) {
    const wrong = await api.call('POST', '/guests', { memory: 64 }, headers);
    t.is(wrong.status, 401);
    t.is(wrong.headers.get('www-authenticate'), 'Bearer realm="mistify", error="invalid_token"');
  }
  t.deepEqual(api.context.guests.list(), []);
});

test('names the right that a token lacks', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const token = await makeToken(dbpath, 'reader', 'read');
  const { status, headers } = await api.call('POST', '/guests', { memory: 64 }, bearer(token));
  t.is(status, 403);
  t.is(headers.get('www-authenticate'), 'Bearer error="insufficient_scope", scope="change"');
  const { guests } = new MistifyClient({ url: api.url, token });
  const error = await guests.perform('a', 'start').catch((caught: unknown) => caught);
  t.like(error, { status: 403, scope: 'power' });
});

test('the demo sends the token that the environment names', async (t) => {
  const { api } = await serveGuarded(t);
  const file = join(await tempDir(t), 'token');
  await writeFile(file, 'mistify_wrong\n');
  const demo = async (env: Record<string, string>): Promise<string> => {
    const args = [join(packageRoot, 'dist/scripts/demo.js'), '-a', new URL(api.url).host];
    const { exitCode, stdout } = await execa(process.execPath, args, { env, reject: false });
    t.is(exitCode, 1);
    return stdout;
  };
  t.regex(await demo({ MISTIFY_TOKEN_FILE: '', MISTIFY_TOKEN: '' }), /credentials required/);
  t.regex(await demo({ MISTIFY_TOKEN_FILE: file }), /token unknown, revoked or expired/);
});

test('limits invalid tokens per address while valid ones keep working', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const good = await addToken(dbpath, 'ci', 'read');
  const statuses: number[] = [];
  for (let i = 0; i < 21; i++)
    statuses.push((await api.call('GET', '/guests', undefined, bearer('mistify_wrong'))).status);
  t.deepEqual([statuses[0], statuses[20]], [401, 429]);
  t.is((await api.call('GET', '/guests', undefined, good)).status, 200);
});

test('serves the API’s description without credentials', async (t) => {
  const { api } = await serveGuarded(t);
  t.is((await api.call('GET', '/openapi.json')).status, 200);
});

test('rejects a revoked token soon, also on open connections', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const headers = await addToken(dbpath, 'ci', 'read');
  t.is((await api.call('GET', '/guests', undefined, headers)).status, 200);
  await changeTokens(dbpath, (tokens) => withoutToken(tokens, 'ci'));
  await until(
    'it is refused',
    async () => (await api.call('GET', '/guests', undefined, headers)).status === 401,
  );
  t.pass();
});

test('rejects an expired token', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const headers = await addToken(dbpath, 'ci', 'read', -1);
  t.is((await api.call('GET', '/guests', undefined, headers)).status, 401);
});

test('rejects every token while the token file is damaged', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const headers = await addToken(dbpath, 'ci', 'admin');
  t.is((await api.call('GET', '/guests', undefined, headers)).status, 200);
  await writeFile(tokenFileOf(dbpath), 'not JSON at all');
  await until(
    'it is refused',
    async () => (await api.call('GET', '/guests', undefined, headers)).status === 401,
  );
  t.pass();
});

test('slows down token guessing', async (t) => {
  const { api } = await serveGuarded(t);
  const statuses: number[] = [];
  for (let guess = 0; guess < 25; guess++)
    statuses.push((await api.call('GET', '/guests', undefined, bearer(`mistify_${guess}`))).status);
  t.deepEqual([...new Set(statuses)], [401, 429]);
});

test('keeps idempotency keys apart by client', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const [one, other] = [await addToken(dbpath, 'one', 'operate'), await addToken(dbpath, 'other', 'operate')];
  const create = async (headers: Headers) =>
    api.call('POST', '/guests', { memory: 64 }, { ...headers, 'Idempotency-Key': 'k' });
  t.not((await create(one)).jobId, (await create(other)).jobId);
});

test('keeps both of two tokens created at the same time', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const made = await Promise.all(['a', 'b'].map((name) => addToken(dbpath, name, 'read')));
  for (const headers of made) t.is((await api.call('GET', '/guests', undefined, headers)).status, 200);
});

test('accepts a token as a WebSocket subprotocol', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const { id } = await addGuest(api.context);
  const url = `${api.url}/guests/${id}/console/serial`;
  const open = async (scope: Scope, change = (token: string) => token): Promise<number> => {
    const { Authorization = '' } = await addToken(dbpath, scope, scope);
    const token = change(Authorization.replace('Bearer ', ''));
    const protocols = ['mistify.console', `mistify.token.${Buffer.from(token).toString('base64url')}`];
    return view(url, { protocols }).then(
      ({ protocol: chosen }) => (chosen === 'mistify.console' ? 101 : 0),
      ({ status }: UpgradeRefused) => status,
    );
  };
  t.is(await open('operate'), 101);
  t.is(await open('read'), 403, 'the scope read does not cover consoles');
  t.is(await open('admin', (token) => `${token}x`), 401);
});

test('closes streams and consoles when their token is revoked', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const { id } = await addGuest(api.context);
  const headers = await addToken(dbpath, 'ops', 'operate');
  const viewer = await view(`${api.url}/guests/${id}/console/serial`, { headers });
  const events = await fetch(`${api.url}/events`, { headers });
  const ended = viewer.ends();
  await changeTokens(dbpath, (tokens) => withoutToken(tokens, 'ops'));
  t.deepEqual(await ended, [1008, 'token revoked or expired']);
  await t.throwsAsync(events.text());
});
