import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { pino } from 'pino';
import type { Scope } from '../../../lib/model/rights.js';
import { Refusal } from '../../../lib/rpc/protocol/refusal.js';
import { addGuest } from '../../helpers/agent.js';
import { serveApi } from '../../helpers/api.js';
import { makeToken, serveGuarded } from '../../helpers/guarded.js';
import { IN_GUEST } from '../../helpers/scripted.js';
import { until } from '../../helpers/wait.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmF me@laptop';

/** A request of each kind, with the narrowest scope that may send it. */
const REQUESTS: [Scope, string, string, unknown?][] = [
  ['read', 'GET', 'agent'],
  ['export', 'GET', 'files?path=/etc/hosts'],
  ['operate', 'PUT', 'files?path=/etc/hosts', 'text'],
  ['operate', 'POST', 'exec', { command: ['true'] }],
  ['operate', 'POST', 'agent/password', { user: 'root', password: 'x' }],
  ['operate', 'POST', 'agent/ssh-keys', { user: 'root', keys: [KEY] }],
  ['operate', 'POST', 'agent/trim'],
  ['operate', 'POST', 'agent/clock'],
];
const SCOPES = ['read', 'export', 'operate'] as const;

test('acts inside a guest for the scopes that may, and audits it', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const { id } = await addGuest(api.context, { state: 'running' });
  for (const scope of SCOPES) {
    const headers = { Authorization: `Bearer ${await makeToken(dbpath, scope, scope)}` };
    for (const [needed, method, path, body] of REQUESTS) {
      const { status } = await api.call(method, `/guests/${id}/${path}`, body, headers);
      const mayAct = SCOPES.indexOf(scope) >= SCOPES.indexOf(needed as (typeof SCOPES)[number]);
      t.is(status, mayAct ? 200 : 403, `${scope} ${method} ${path}`);
    }
  }
  await until('all is in the audit log', async () => {
    const log = await readFile(join(dbpath, 'audit.log'), 'utf8');
    const done = log.split('\n').filter((line) => line.includes('"status":200'));
    // All but the reading of what the guest agent says: once as export, all as operate.
    return done.length === REQUESTS.length;
  });
});

test('keeps what goes into a guest, or comes out of it, nowhere', async (t) => {
  let log = '';
  const { call, context, dbpath } = await serveApi(t, {
    log: pino({ level: 'trace' }, { write: (line: string) => (log += line) }),
    methods: {
      'Test.exec': ({ guest, body }) => {
        if ((body as { command: string[] }).command[0] === 'fail')
          throw new Refusal('conflict', 'guest web: it failed');
        return { guest: { id: guest.id }, result: { ...IN_GUEST.exec, stdout: 'hunter2' } };
      },
    },
  });
  const { id } = await addGuest(context, { state: 'running' });
  const path = `/guests/${id}`;
  const env = { PASSWORD: 'hunter2' };
  const ran = await call('POST', `${path}/exec`, { command: ['sh', 'hunter2'], input: 'hunter2', env });
  t.like(ran.body, { stdout: 'hunter2' });
  t.is((await call('POST', `${path}/exec`, { command: ['fail', 'hunter2'] })).status, 409);
  t.is((await call('POST', `${path}/exec`, { command: ['hunter2\0'], timeout: 'hunter2' })).status, 400);
  const password = { user: 'root', password: 'hunter2' };
  t.is((await call('POST', `${path}/agent/password`, password)).status, 200);
  const mistaken = await call('POST', `${path}/agent/password`, { ...password, password: 'hunter2\n' });
  t.is(mistaken.status, 400);
  t.false(mistaken.text.includes('hunter2'));
  t.is((await call('PUT', `${path}/files?path=/etc/hunter2`, 'hunter2')).status, 200);
  await until('the audit log is written', async () =>
    (await readFile(join(dbpath, 'audit.log'), 'utf8')).includes('"PUT"'),
  );
  const files = await readdir(dbpath, { recursive: true, withFileTypes: true });
  const texts = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const secret = /hunter2|aHVudGVyMg/;
  for (const file of texts) t.notRegex(await readFile(file, 'latin1'), secret, file);
  t.notRegex(log, secret);
  t.deepEqual(context.jobs.list(), []);
});

test('says that a container has no guest agent, and what to use', async (t) => {
  const { call, context } = await serveApi(t);
  const { id } = await addGuest(context, { type: 'container', state: 'running' });
  t.is((await call('POST', `/guests/${id}/exec`, { command: ['true'] })).status, 200);
  for (const [, method, path, body] of REQUESTS.filter(([, , each]) => each !== 'exec')) {
    const { status, text } = await call(method, `/guests/${id}/${path}`, body);
    t.is(status, 400, path);
    t.regex(text, /is a container, which has no guest agent: run a program/);
  }
});

test('responds with 404 for what the config lacks', async (t) => {
  const { call, context } = await serveApi(t, { actions: { exec: undefined, readFile: undefined } });
  const { id } = await addGuest(context, { state: 'running' });
  const ran = await call('POST', `/guests/${id}/exec`, { command: ['true'] });
  t.like(ran.body, { code: 404, message: 'exec: Not configured' });
  const read = await call('GET', `/guests/${id}/files?path=/etc/hosts`);
  t.like(read.body, { code: 404, message: 'readFile: Not configured' });
});
