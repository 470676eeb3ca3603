import { join } from 'node:path';
import test from 'ava';
import { ConfigError, loadConfig } from '../../../lib/config/load.js';
import { packageRoot } from '../../../lib/files/package-root.js';
import { loadContent, problemsOf, STAGE, STORAGE, writeConfigs } from '../../helpers/config-files.js';
import { tempDir } from '../../helpers/temp.js';

test("loads the contract's example with its defaults", async (t) => {
  const config = await loadContent(t, {
    actions: { create: { stages: [STAGE] } },
    services: { storage: STORAGE },
    dbpath: '/var/lib/mistify/agent',
  });
  t.deepEqual(config.actions.get('create'), { stages: [STAGE] });
  t.deepEqual(config.services.get('storage'), { port: 19999, path: '/_mistify_RPC_', max_pending: 4 });
  t.is(config.dbpath, '/var/lib/mistify/agent');
  t.deepEqual(config.warnings, []);
});

for (const name of ['agent.json', 'test-service.json'])
  test(`loads ${name} without a warning`, async (t) => {
    const config = await loadConfig([join(packageRoot, 'config', name)]);
    t.true(config.actions.size >= 22);
    t.deepEqual(config.warnings, []);
  });

test("treats Go's empty values as absent", async (t) => {
  const config = await loadContent(t, {
    actions: { start: { stages: [{ ...STAGE, args: null }] }, delete: { stages: null } },
    services: { storage: { port: 1, path: '', max_pending: 0 } },
    dbpath: '',
  });
  t.deepEqual(config.actions.get('start')?.stages, [STAGE]);
  t.deepEqual(config.actions.get('delete')?.stages, []);
  t.deepEqual(config.services.get('storage'), { port: 1, path: '/_mistify_RPC_', max_pending: 4 });
  t.true(config.dbpath.startsWith('/'));
});

test('loads the args and timeout of a stage, and the command and timeout of a service', async (t) => {
  const stage = { ...STAGE, args: { emoji: 'rocket', none: '' }, timeout: 1.5 };
  const service = { port: 1, path: '/rpc', max_pending: 9, timeout: 60, command: ['mistify-storage', '-v'] };
  const content = { actions: { start: { stages: [stage] } }, services: { storage: service } };
  const config = await loadContent(t, content);
  t.deepEqual(config.actions.get('start')?.stages, [stage]);
  t.deepEqual(config.services.get('storage'), service);
});

test('places a relative socket in a private directory of the state, and keeps an absolute one', async (t) => {
  const config = await loadContent(t, {
    services: { near: { socket: 'near.sock' }, far: { socket: '/run/far.sock', path: '/x' } },
    dbpath: '/srv/mistify',
  });
  t.like(config.services.get('near'), { socket: '/srv/mistify/run/services/near.sock', max_pending: 4 });
  t.like(config.services.get('far'), { socket: '/run/far.sock', path: '/x' });
});

test('merges files and the config files of a directory, ignoring its other files', async (t) => {
  const dir = await writeConfigs(t, {
    'a.json': { services: { storage: STORAGE } },
    'b.json': { actions: { create: { stages: [STAGE] } } },
    'README.md': 'not a config',
    'more/c.json': { dbpath: '/tmp/state' },
  });
  const config = await loadConfig([dir, join(dir, 'more', 'c.json')]);
  t.deepEqual([...config.services.keys()], ['storage']);
  t.deepEqual([...config.actions.keys()], ['create']);
  t.is(config.dbpath, '/tmp/state');
});

test('rejects a service, action or dbpath that two files define, naming both files', async (t) => {
  const content = { services: { storage: STORAGE }, actions: { create: { stages: [] } } };
  const files = { 'a.json': { ...content, dbpath: '/a' }, 'b.json': { ...content, dbpath: '/b' } };
  t.deepEqual(await problemsOf(t, files), [
    'b.json: services.storage: defined already in a.json',
    'b.json: actions.create: defined already in a.json',
    'b.json: dbpath: defined already in a.json',
  ]);
});

test('rejects a key of server and of events that two files define', async (t) => {
  const files = {
    'a.json': { server: { rate_limit: 1 }, events: { max_bytes: 65536 } },
    'b.json': { server: { rate_limit: 2, auth: ['token'] }, events: { max_bytes: 65537 } },
  };
  t.deepEqual(await problemsOf(t, files), [
    'b.json: server.rate_limit: defined already in a.json',
    'b.json: events.max_bytes: defined already in a.json',
  ]);
});

test('accepts the same dbpath in two files', async (t) => {
  const dir = await writeConfigs(t, { 'a.json': { dbpath: '/srv' }, 'b.json': { dbpath: '/srv' } });
  t.is((await loadConfig([dir])).dbpath, '/srv');
});

test('rejects a file that is given twice', async (t) => {
  const files = { 'a.json': { services: { storage: STORAGE } } };
  t.deepEqual(await problemsOf(t, files, ['a.json', '.']), ['a.json: given twice']);
});

test('rejects an unknown action', async (t) => {
  t.deepEqual(await problemsOf(t, { 'a.json': { actions: { frobnicate: { stages: [] } } } }), [
    'a.json: actions.frobnicate: there is no such action',
  ]);
});

test('reports all problems of all files at once, each with its file and key', async (t) => {
  const problems = await problemsOf(t, {
    'a.json': { actions: { create: { stages: [{ service: 'storage' }, { method: 'A.B' }] } } },
    'b.json': { services: { storage: {}, other: { port: 70000 } } },
    'c.json': { services: { third: { port: 1, max_pending: -1, path: 'rpc', command: [] } } },
    'd.json': '{ "services": ',
  });
  const keys = [
    'a.json: actions.create.stages[0].method',
    'a.json: actions.create.stages[1].service',
    'b.json: services.storage',
    'b.json: services.other.port',
    'c.json: services.third.path',
    'c.json: services.third.max_pending',
    'c.json: services.third.command',
    'd.json:1:15',
  ];
  t.is(problems.length, keys.length, problems.join('\n'));
  for (const [index, key] of keys.entries())
    t.true(problems[index]?.startsWith(key), `${problems[index]} is not about ${key}`);
});

for (const [kind, content] of Object.entries({ 'a list': [], 'a string': '"hello"', null: 'null' }))
  test(`rejects a config file that is ${kind}, naming the file`, async (t) => {
    const [problem] = await problemsOf(t, { 'a.json': content });
    t.regex(problem ?? '', /^a\.json: config file /);
  });

test('rejects a path that does not exist, naming it', async (t) => {
  const path = join(await tempDir(t), 'none.json');
  const error = await t.throwsAsync(loadConfig([path]), { instanceOf: ConfigError });
  t.true(error?.message.includes(`${path}: does not exist`), error?.message);
});

test('warns of an unknown key and uses the rest of the file', async (t) => {
  const config = await loadContent(t, {
    services: { storage: { ...STORAGE, colour: 'red' } },
    actions: { start: { stages: [STAGE] } },
    extra: 1,
  });
  t.deepEqual(
    config.warnings.map((warning) => warning.replace(/^.*a\.json: /, '')),
    ['services.storage.colour: unknown key, ignored', 'extra: unknown key, ignored'],
  );
  t.like(config.services.get('storage'), { port: 19999, path: '/_mistify_RPC_', max_pending: 4 });
});
