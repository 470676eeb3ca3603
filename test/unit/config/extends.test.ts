import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { loadConfig } from '../../../lib/config/load.js';
import { packageRoot } from '../../../lib/files/package-root.js';
import { problemsOf, STAGE, STORAGE, writeConfigs } from '../../helpers/config-files.js';

const DELETE = { ...STAGE, method: 'ImageStore.DeleteGuestsDisks' };

const base = {
  services: { storage: STORAGE, dns: { port: 20053 } },
  actions: { create: { stages: [STAGE] }, delete: { stages: [DELETE] } },
  server: { rate_limit: 5 },
  dbpath: '/srv/base',
};

test('replaces the services, actions and other keys of the extended file, and keeps the rest', async (t) => {
  const dir = await writeConfigs(t, {
    'base/agent.json': base,
    'site.json': {
      extends: 'base/agent.json',
      services: { storage: { port: 1 } },
      actions: { create: { stages: [STAGE, STAGE] } },
      server: { rate_limit: 9, auth: ['token'] },
      dbpath: '/srv/site',
    },
  });
  const config = await loadConfig([join(dir, 'site.json')]);
  t.like(config.services.get('storage'), { port: 1 });
  t.like(config.services.get('dns'), { port: 20053 });
  t.is(config.actions.get('create')?.stages.length, 2);
  t.deepEqual(config.actions.get('delete')?.stages, [DELETE]);
  t.deepEqual(config.server, { rate_limit: 9, auth: ['token'] });
  t.is(config.dbpath, '/srv/site');
  t.deepEqual(config.warnings, []);
});

test('extends several files and files that extend others, by relative and absolute paths', async (t) => {
  const dir = await writeConfigs(t, {
    'z/services.yaml': 'services: {storage: {port: 19999}, dns: {port: 1}}',
  });
  const site = await writeConfigs(t, {
    'a.json': { extends: join(dir, 'z/services.yaml'), services: { dns: { port: 2 } } },
    'sub/actions.json': { actions: { create: { stages: [STAGE] } } },
    'site.yml': 'extends: [a.json, sub/actions.json]\nservices: {dns: {port: 3}}',
  });
  const { services, actions } = await loadConfig([join(site, 'site.yml')]);
  t.like(services.get('dns'), { port: 3 });
  t.like(services.get('storage'), STORAGE);
  t.deepEqual([...actions.keys()], ['create']);
});

test('accepts an extended file beside the file that extends it, in either order', async (t) => {
  const dir = await writeConfigs(t, {
    'agent.json': base,
    'site.json': { extends: './agent.json', services: { storage: { port: 1 } } },
  });
  const files = [join(dir, 'agent.json'), join(dir, 'site.json')];
  for (const paths of [[dir], files, files.toReversed()])
    t.like((await loadConfig(paths)).services.get('storage'), { port: 1 });
});

test('accepts two files that extend the same file and define different keys', async (t) => {
  const dir = await writeConfigs(t, {
    'base/agent.json': base,
    'a.json': { extends: 'base/agent.json', services: { storage: { port: 1 } } },
    'b.json': { extends: 'base/agent.json', services: { dns: { port: 2 } } },
    'all.json': { extends: ['a.json', 'b.json'] },
  });
  for (const paths of [['a.json', 'b.json'], ['all.json'], ['.']]) {
    const { services } = await loadConfig(paths.map((path) => join(dir, path)));
    t.like(services.get('storage'), { port: 1 });
    t.like(services.get('dns'), { port: 2 });
  }
});

test('rejects a key that two of the extended files define, unless the file defines it itself', async (t) => {
  const files = {
    'a.json': { services: { storage: { port: 1 } } },
    'b.json': { services: { storage: { port: 2 } } },
    'bad.json': { extends: ['a.json', 'b.json'] },
    'good.json': { extends: ['a.json', 'b.json'], services: { storage: { port: 3 } } },
  };
  t.deepEqual(await problemsOf(t, files, ['bad.json']), [
    'b.json: services.storage: defined already in a.json',
  ]);
  const { services } = await loadConfig([join(await writeConfigs(t, files), 'good.json')]);
  t.like(services.get('storage'), { port: 3 });
});

test('rejects a key of an extended file that an unrelated file defines too', async (t) => {
  const files = {
    'base/agent.json': base,
    'a.json': { extends: 'base/agent.json' },
    'b.json': { dbpath: '/b' },
  };
  t.deepEqual(await problemsOf(t, files), ['b.json: dbpath: defined already in base/agent.json']);
});

test('rejects files that extend each other, naming all of them', async (t) => {
  const files = {
    'a.json': { extends: 'b.json' },
    'b.json': { extends: './c.yaml' },
    'c.yaml': 'extends: a.json',
  };
  t.deepEqual(await problemsOf(t, files, ['a.json']), [
    'c.yaml: extends: the files extend each other: a.json > b.json > c.yaml > a.json',
  ]);
  t.deepEqual(await problemsOf(t, { 'a.json': { extends: 'a.json' } }), [
    'a.json: extends: the files extend each other: a.json > a.json',
  ]);
});

test('reads a file once that is extended by its own path and through a symbolic link', async (t) => {
  const dir = await writeConfigs(t, {
    'base.json': base,
    'a.json': { extends: 'base.json' },
    'b.json': { extends: 'link.json' },
    'all.json': { extends: ['a.json', 'b.json'] },
  });
  await symlink('base.json', join(dir, 'link.json'));
  t.is((await loadConfig([join(dir, 'all.json')])).dbpath, '/srv/base');
});

test('rejects files that extend each other through a link to their directory', async (t) => {
  const dir = await writeConfigs(t, { 'a.json': { extends: 'again/a.json' } });
  await symlink('.', join(dir, 'again'));
  const path = join(dir, 'a.json');
  await t.throwsAsync(loadConfig([path]), {
    message: `the configuration cannot be used:\n  ${path}: extends: the files extend each other: ${path} > ${join(dir, 'again/a.json')}`,
  });
});

test('rejects an extended file that does not exist, and a directory', async (t) => {
  const files = { 'a.json': { extends: ['none.json', 'conf.d'] }, 'conf.d/b.json': {} };
  t.deepEqual(await problemsOf(t, files), [
    'a.json: extends: none.json does not exist',
    'a.json: extends: conf.d is not a file',
  ]);
});

for (const [value, shown] of [
  [5, '5'],
  [{ file: 'agent.json' }, '{"file": "agent.json"}'],
  [null, 'null'],
] as const)
  test(`rejects ${shown} as the path of an extended file`, async (t) => {
    const [problem = ''] = await problemsOf(t, { 'a.json': { extends: value } });
    t.true(
      problem.startsWith('a.json: extends: give the path of a config file or a list of paths, got '),
      problem,
    );
  });

test('rejects an empty path and an empty list of extended files', async (t) => {
  for (const value of ['', [], [''], ['b.json', 'b.json']]) {
    const [problem = ''] = await problemsOf(t, { 'a.json': { extends: value } });
    t.regex(problem, /^a\.json: extends/, JSON.stringify(value));
  }
});

test('reports a problem of a file that two files extend once, under its own name', async (t) => {
  const files = {
    'base/agent.json': { actions: { frobnicate: { stages: [] } } },
    'a.json': { extends: 'base/agent.json' },
    'b.json': { extends: 'base/agent.json' },
  };
  t.deepEqual(await problemsOf(t, files), ['base/agent.json: actions.frobnicate: there is no such action']);
});

test('zfs.json differs from the default config in the commands of two services only', async (t) => {
  const load = (name: string) => loadConfig([join(packageRoot, 'config', name)]);
  const [usual, zfs] = [await load('agent.json'), await load('zfs.json')];
  t.deepEqual(zfs.actions, usual.actions);
  t.deepEqual(Object.fromEntries(zfs.services), {
    ...Object.fromEntries(usual.services),
    storage: {
      ...usual.services.get('storage'),
      command: ['mistify-storage', '--backend', 'zfs', '--pool', 'tank'],
    },
    qemu: { ...usual.services.get('qemu'), command: ['mistify-qemu', '--disk-dir', '/tank/guests'] },
  });
});
