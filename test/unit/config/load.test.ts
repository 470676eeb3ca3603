import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Config, ConfigError, loadConfig } from '../../../lib/config/load.js';
import { packageRoot } from '../../../lib/files/package-root.js';
import { tempDir } from '../../helpers/temp.js';

/** Writes files into a directory of the test's own. */
const write = async (t: ExecutionContext, files: Record<string, unknown>): Promise<string> => {
  const dir = await tempDir(t);
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
};

const load = async (t: ExecutionContext, content: unknown): Promise<Config> =>
  loadConfig([join(await write(t, { 'a.json': content }), 'a.json')]);

/** The problems that a config file is refused for, the directory cut off. */
const problemsOf = async (t: ExecutionContext, files: Record<string, unknown>): Promise<string[]> => {
  const dir = await write(t, files);
  const error = await t.throwsAsync(loadConfig([dir]), { instanceOf: ConfigError });
  return error ? error.problems.map((problem) => problem.replaceAll(`${dir}/`, '')) : [];
};

const storage = { port: 19999 };
const stage = { service: 'storage', method: 'ImageStore.CreateGuestDisks' };

test("the contract's example is read, with its defaults", async (t) => {
  const config = await load(t, {
    actions: { create: { stages: [stage] } },
    services: { storage },
    dbpath: '/var/lib/mistify/agent',
  });
  t.deepEqual(config.actions.get('create'), { stages: [stage] });
  t.deepEqual(config.services.get('storage'), { port: 19999, path: '/_mistify_RPC_', max_pending: 4 });
  t.is(config.dbpath, '/var/lib/mistify/agent');
  t.deepEqual(config.warnings, []);
});

for (const name of ['agent.json', 'test-service.json'])
  test(`the ${name} that comes with the agent is right`, async (t) => {
    const config = await loadConfig([join(packageRoot, 'config', name)]);
    t.true(config.actions.size >= 22);
    t.deepEqual(config.warnings, []);
  });

test('what is empty in the way of Go counts as absent', async (t) => {
  const config = await load(t, {
    actions: { start: { stages: [{ ...stage, args: null }] }, delete: { stages: null } },
    services: { storage: { port: 1, path: '', max_pending: 0 } },
    dbpath: '',
  });
  t.deepEqual(config.actions.get('start')?.stages, [stage]);
  t.deepEqual(config.actions.get('delete')?.stages, []);
  t.deepEqual(config.services.get('storage'), { port: 1, path: '/_mistify_RPC_', max_pending: 4 });
  t.true(config.dbpath.startsWith('/'));
});

test('a stage has its args and its timeout, a service its command and its timeout', async (t) => {
  const withAll = { ...stage, args: { emoji: 'rocket', none: '' }, timeout: 1.5 };
  const service = { port: 1, path: '/rpc', max_pending: 9, timeout: 60, command: ['mistify-storage', '-v'] };
  const config = await load(t, { actions: { start: { stages: [withAll] } }, services: { storage: service } });
  t.deepEqual(config.actions.get('start')?.stages, [withAll]);
  t.deepEqual(config.services.get('storage'), service);
});

test('a relative socket is in a private directory of the state, an absolute one where it says', async (t) => {
  const config = await load(t, {
    services: { near: { socket: 'near.sock' }, far: { socket: '/run/far.sock', path: '/x' } },
    dbpath: '/srv/mistify',
  });
  t.like(config.services.get('near'), { socket: '/srv/mistify/run/services/near.sock', max_pending: 4 });
  t.like(config.services.get('far'), { socket: '/run/far.sock', path: '/x' });
});

test('a service without an address is an error that says which there are, one with two of them as well', async (t) => {
  const services = { none: { socket: '' }, both: { port: 1, socket: 's' } };
  t.deepEqual(await problemsOf(t, { 'a.json': { services } }), [
    'a.json: services.none: give either a port (TCP on loopback) or a socket (the path of a unix socket)',
    'a.json: services.both: has both a port and a socket, give one of them',
  ]);
});

test('a socket whose path is too long is an error that names the service and says what to do', async (t) => {
  const dbpath = `/${'d'.repeat(90)}`;
  const fits = { socket: 'x'.repeat(2) };
  const services = { fits, long: { socket: 'xyz' } };
  t.deepEqual(await problemsOf(t, { 'a.json': { services, dbpath } }), [
    `a.json: services.long.socket: ${dbpath}/run/services/xyz is 1 bytes too long for a unix socket: choose a shorter dbpath, or a shorter absolute path for the socket`,
  ]);
});

test('a secret file is for a service that the agent does not start, and one address has one', async (t) => {
  t.like((await load(t, { services: { a: { port: 1, secret_file: '/s' } } })).services.get('a'), {
    secret_file: '/s',
  });
  t.deepEqual(
    await problemsOf(t, { 'a.json': { services: { a: { port: 1, secret_file: '/s', command: ['x'] } } } }),
    [
      'a.json: services.a: the agent makes a secret of its own for a service that has a command: remove secret_file',
    ],
  );
  const services = {
    a: { port: 1, secret_file: '/s' },
    b: { port: 1, secret_file: '/t' },
    c: { port: 1 },
    d: { port: 2, secret_file: '/t' },
  };
  t.deepEqual(await problemsOf(t, { 'a.json': { services } }), [
    'a.json: services.b.secret_file: port 1 has another one already, /s',
  ]);
});

test('an address has one command', async (t) => {
  const services = {
    a: { port: 1, command: ['x'] },
    b: { port: 1 },
    c: { port: 1, command: ['x'] },
    d: { port: 2, command: ['x'] },
  };
  t.deepEqual(await problemsOf(t, { 'a.json': { services } }), [
    'a.json: services.c.command: port 1 has that of services.a already',
  ]);
});

test('the files of a directory add up; what is not JSON by its name is no config file', async (t) => {
  const dir = await write(t, {
    'a.json': { services: { storage } },
    'b.json': { actions: { create: { stages: [stage] } } },
    'README.md': 'not a config',
  });
  await mkdir(join(dir, 'more'));
  await writeFile(join(dir, 'more', 'c.json'), JSON.stringify({ dbpath: '/tmp/state' }));
  const config = await loadConfig([dir, join(dir, 'more', 'c.json')]);
  t.deepEqual([...config.services.keys()], ['storage']);
  t.deepEqual([...config.actions.keys()], ['create']);
  t.is(config.dbpath, '/tmp/state');
});

test('the same service, action or dbpath twice is an error that names both files', async (t) => {
  const content = { services: { storage }, actions: { create: { stages: [] } } };
  const files = { 'a.json': { ...content, dbpath: '/a' }, 'b.json': { ...content, dbpath: '/b' } };
  t.deepEqual(await problemsOf(t, files), [
    'b.json: services.storage: defined already in a.json',
    'b.json: actions.create: defined already in a.json',
    'b.json: dbpath: defined already in a.json',
  ]);
});

test('a config may be YAML, with comments', async (t) => {
  const dir = await write(t, {
    'a.yaml': '# where the state is\ndbpath: /srv/mistify # here\nservices: {s: {port: 1}}\n',
  });
  const { dbpath, services } = await loadConfig([dir]);
  t.is(dbpath, '/srv/mistify');
  t.is(services.size, 1);
});

test('YAML that cannot be read, or has a key twice, is an error that says where', async (t) => {
  t.deepEqual(await problemsOf(t, { 'a.yml': 'dbpath: /a\ndbpath: /b\n' }), [
    'a.yml: dbpath: defined twice in this file',
  ]);
  const [problem] = await problemsOf(t, { 'a.yml': 'services: {s: {port: 1}\n' });
  t.regex(problem ?? '', /^a\.yml: .* at line /);
});

test('the same key twice in one file is an error that names it, whether the values differ or not', async (t) => {
  const text = `{
\t"services": { "storage": {"port": 1}, "storage": {"port": 2} },
\t"actions": {
\t\t"start": {"stages": []}, "start": {"stages": []},
\t\t"create": {"stages": [{"service": "storage", "method": "A.B"}, {"service": "storage", "method": "C.D", "method": "E.F"}]}
\t},
\t"dbpath": "/a", "\\u0064bpath": "/b", "dbpath": "/c"
}`;
  t.deepEqual((await problemsOf(t, { 'a.json': text })).sort(), [
    'a.json: actions.create.stages[1].method: defined twice in this file',
    'a.json: actions.start: defined twice in this file',
    'a.json: dbpath: defined twice in this file',
    'a.json: services.storage: defined twice in this file',
  ]);
});

test('an action that does not exist is an error', async (t) => {
  t.deepEqual(await problemsOf(t, { 'a.json': { actions: { frobnicate: { stages: [] } } } }), [
    'a.json: actions.frobnicate: there is no such action',
  ]);
});

test('a stage that names a service that is not there is an error', async (t) => {
  const actions = { create: { stages: [stage, { ...stage, service: 'nobody' }] } };
  t.deepEqual(await problemsOf(t, { 'a.json': { services: { storage } }, 'b.json': { actions } }), [
    'b.json: actions.create.stages[1].service: there is no service nobody',
  ]);
});

test('all errors of all files come at once, each with its file and key', async (t) => {
  const problems = await problemsOf(t, {
    'a.json': { actions: { create: { stages: [{ service: 'storage' }, { method: 'A.B' }] } } },
    'b.json': { services: { storage: {}, other: { port: 70000 } } },
    'c.json': { services: { third: { port: 1, max_pending: -1, path: 'rpc', command: [] } } },
    'd.json': '{ "services": ',
  });
  const keys = problems.map((problem) => /^(\w\.json: [\w.[\]]+)/.exec(problem)?.[1]);
  t.deepEqual(keys.slice(0, 7), [
    'a.json: actions.create.stages[0].method',
    'a.json: actions.create.stages[1].service',
    'b.json: services.storage',
    'b.json: services.other.port',
    'c.json: services.third.path',
    'c.json: services.third.max_pending',
    'c.json: services.third.command',
  ]);
  t.regex(problems[7] ?? '', /^d\.json: .*JSON/);
});

for (const [what, content] of Object.entries({
  'a list': [],
  'a string': '"hello"',
  null: 'null',
}))
  test(`a config file that is ${what} is an error that names the file`, async (t) => {
    const [problem] = await problemsOf(t, { 'a.json': content });
    t.regex(problem ?? '', /^a\.json: config file /);
  });

test('a path that is not there is an error that names it', async (t) => {
  const path = join(await tempDir(t), 'none.json');
  const error = await t.throwsAsync(loadConfig([path]), { instanceOf: ConfigError });
  t.true(error?.message.includes(`${path}: ENOENT`), error?.message);
});

test('an unknown key is a warning, and the rest of the file counts', async (t) => {
  const config = await load(t, {
    services: { storage: { ...storage, colour: 'red' } },
    actions: { start: { stages: [stage] } },
    extra: 1,
  });
  t.deepEqual(
    config.warnings.map((warning) => warning.replace(/^.*a\.json: /, '')),
    ['services.storage.colour: unknown key, ignored', 'extra: unknown key, ignored'],
  );
  t.like(config.services.get('storage'), { port: 19999, path: '/_mistify_RPC_', max_pending: 4 });
});

test('a webhook needs an address and one secret, and no two have the same address', async (t) => {
  const url = 'http://127.0.0.1:9/';
  const secret = 'of 16 characters or more';
  const problems = (webhooks: unknown[]) => problemsOf(t, { 'a.json': { events: { webhooks } } });
  t.regex((await problems([{ url }])).join(), /events\.webhooks\[0\]: give a secret_file/);
  t.regex(
    (await problems([{ url, secret, secret_file: '/x' }])).join(),
    /has both a secret and a secret_file/,
  );
  t.regex((await problems([{ url: 'ftp://a/', secret }])).join(), /events\.webhooks\[0\]\.url/);
  t.regex((await problems([{ url, secret: 'short' }])).join(), /events\.webhooks\[0\]\.secret/);
  t.regex((await problems([{ url, secret, kinds: ['gust'] }])).join(), /events\.webhooks\[0\]\.kinds\[0\]/);
  t.regex((await problems([1, 2].map(() => ({ url, secret })))).join(), /events\.webhooks\[1\].*duplicate/);
});
