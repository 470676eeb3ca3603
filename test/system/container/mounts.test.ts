import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { ContainerSpec } from '../../../lib/model/container/spec.js';
import type { Guest } from '../../../lib/model/guest.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { Engine } from '../../../lib/subagents/container/engine.js';
import { withVolumes } from '../../../lib/subagents/container/mounts/with-volumes.js';
import { VolumeStore } from '../../../lib/subagents/container/volumes/store.js';
import {
  newGuest,
  SharedEngine,
  startTestContainers,
  type TestContainers,
} from '../../helpers/containers.js';
import { IMAGE } from '../../helpers/engines/busybox.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { tempDir } from '../../helpers/temp.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const newName = (): string => `data-${randomUUID().slice(0, 8)}`;

const SLEEP: ContainerSpec = { command: ['sleep', '600'] };

const withSpec = (container: ContainerSpec, more: Partial<Guest> = {}): Guest =>
  newGuest({ container: { ...SLEEP, ...container }, ...more });

const start = async (containers: TestContainers, guest: Guest): Promise<Guest> => {
  const made = await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  return { ...guest, container: { ...guest.container, ...made.guest.container } };
};

/** Runs a line in a guest's container. */
const inGuest = async ({ id }: Guest, line: string): Promise<string> => {
  const engine = await shared.engine();
  return engine.run('exec', containerName(id), '/bin/busybox', 'sh', '-c', line);
};

const names = async (containers: TestContainers): Promise<string[]> =>
  (await containers.call('ListVolumes', { name: '' })).volumes.map(({ name }) => name);

/** A sub-agent that allows bind mounts below a new directory. */
const allowing = async (t: ExecutionContext) => {
  const dir = await tempDir(t);
  const { socket } = await shared.engine();
  return { dir, containers: await startTestContainers(t, socket, { allowBind: [dir] }) };
};

test('guests share a volume, which outlives them, and which a guest may only read if it is told so', async (t) => {
  const containers = await shared.containers();
  const name = newName();
  const mount = { type: 'volume', source: name, target: '/data' } as const;
  const first = withSpec({ mounts: [mount] });
  const { message } = await containers.guest('CheckContainer', first);
  t.is(message, `volume ${name} does not exist and would be created`);
  t.is((await containers.guest('CreateContainer', first)).message, `volume ${name} was created`);
  await containers.guest('StartContainer', first);
  await inGuest(first, 'echo hello > /data/file');
  const second = await start(containers, withSpec({ mounts: [{ ...mount, readOnly: true }] }));
  t.is(await inGuest(second, 'cat /data/file'), 'hello');
  await t.throwsAsync(inGuest(second, 'echo no > /data/file'), { message: /Read-only file system/ });
  const [volume] = (await containers.call('GetVolume', { name })).volumes;
  t.deepEqual(volume?.guests, [first.id, second.id].sort());
  for (const guest of [first, second]) await containers.guest('DeleteContainer', guest);
  t.true((await names(containers)).includes(name));
  const third = await start(containers, withSpec({ mounts: [mount] }));
  t.is(await inGuest(third, 'cat /data/file'), 'hello');
});

test('removes the volumes that it made for a container that could not be created, and no others', async (t) => {
  const { socket } = await shared.engine();
  const store = new VolumeStore(new Engine([socket]), await tempDir(t));
  const [made, present] = [newName(), newName()];
  await store.make({ name: present });
  const mounts = [made, present].map((source) => ({ type: 'volume', source, target: `/${source}` }) as const);
  const mounted = { guest: randomUUID(), files: { mounts }, imageMounts: [] };
  const failing = withVolumes(store, mounted, async () => {
    t.deepEqual(await store.missing([made, present]), []);
    throw new Error('no container');
  });
  await t.throwsAsync(failing, { message: 'no container' });
  t.deepEqual(await store.missing([made, present]), [made]);
});

test('rejects a volume of another agent', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const name = newName();
  await engine.run('volume', 'create', `mistify-${name}`);
  const guest = withSpec({ mounts: [{ type: 'volume', source: name, target: '/data' }] });
  for (const method of ['CheckContainer', 'CreateContainer'])
    await t.throwsAsync(containers.guest(method, guest), { message: /was not made by this agent/ });
});

test('mounts memory with its size and its mode, empty, and without programs', async (t) => {
  const containers = await shared.containers();
  const guest = await start(
    containers,
    withSpec({
      mounts: [
        { type: 'tmpfs', target: '/cache', size: 3, mode: '0750' },
        { type: 'tmpfs', target: '/bin/extra' },
        { type: 'tmpfs', target: '/etc' },
      ],
    }),
  );
  const mounts = (await inGuest(guest, 'cat /proc/mounts')).split('\n');
  const optionsOf = (path: string): string[] =>
    mounts
      .find((line) => line.split(' ')[1] === path)
      ?.split(' ')[3]
      ?.split(',') ?? [];
  for (const option of ['rw', 'nosuid', 'nodev', 'noexec', 'size=3072k', 'mode=750'])
    t.true(optionsOf('/cache').includes(option), `${option} of ${optionsOf('/cache')}`);
  t.true(optionsOf('/bin/extra').includes('noexec'));
  t.is(await inGuest(guest, '/bin/busybox stat -c %a /bin/extra'), '1777');
  t.regex(
    await inGuest(guest, '/bin/busybox dd if=/dev/zero of=/cache/f bs=1048576 count=9 2>&1 || true'),
    /No space left/,
  );
});

test('a read-only root has /tmp, /run and /var/tmp in memory, and volumes that can be written', async (t) => {
  const containers = await shared.containers();
  const guest = await start(
    containers,
    withSpec({ readOnly: true, mounts: [{ type: 'volume', source: newName(), target: '/run' }] }),
  );
  await t.throwsAsync(inGuest(guest, 'echo x > /etc/x'), { message: /Read-only file system/ });
  for (const path of ['/tmp', '/run', '/var/tmp']) await inGuest(guest, `echo x > ${path}/x`);
  const mounts = await inGuest(guest, 'cat /proc/mounts');
  t.regex(mounts, / \/tmp tmpfs rw,nosuid,nodev,noexec/);
  t.notRegex(mounts, / \/run tmpfs/);
});

test('mounts directories and files of the host that it allows, for reading or writing', async (t) => {
  const { dir, containers } = await allowing(t);
  await chmod(dir, 0o777);
  await mkdir(join(dir, 'www'));
  await writeFile(join(dir, 'www/index.html'), 'hello');
  await writeFile(join(dir, 'app.conf'), 'a=1');
  const guest = await start(
    containers,
    withSpec({
      mounts: [
        { type: 'bind', source: join(dir, 'www'), target: '/www' },
        { type: 'bind', source: join(dir, 'app.conf'), target: '/etc/app.conf', readOnly: true },
      ],
    }),
  );
  t.is(await inGuest(guest, 'cat /www/index.html /etc/app.conf'), 'helloa=1');
  await inGuest(guest, 'echo new > /www/new');
  t.is(await readFile(join(dir, 'www/new'), 'utf8'), 'new\n');
  await t.throwsAsync(inGuest(guest, 'echo b > /etc/app.conf'), { message: /Read-only file system/ });
});

test('allows no bind mounts by default', async (t) => {
  const containers = await shared.containers();
  const guest = withSpec({ mounts: [{ type: 'bind', source: await tempDir(t), target: '/host' }] });
  for (const method of ['CheckContainer', 'CreateContainer'])
    await t.throwsAsync(containers.guest(method, guest), {
      message: /this host allows none.*--allow-bind DIR/,
    });
});

test('rejects paths outside of what the host allows, by links too, and says nothing of what is there', async (t) => {
  const { dir, containers } = await allowing(t);
  const outside = await tempDir(t);
  await symlink(outside, join(dir, 'link'));
  await symlink(join(dir, 'loop'), join(dir, 'loop'));
  await mkdir(`${dir}-beside`);
  t.teardown(() => execa('rmdir', [`${dir}-beside`]));
  for (const [source, message] of [
    [outside, /is not below a directory that this host allows/],
    [join(outside, 'nothing'), /is not below a directory that this host allows/],
    [`${dir}-beside`, /is not below a directory that this host allows/],
    [join(dir, 'link'), /is not below a directory that this host allows/],
    [join(dir, 'nothing'), /does not exist on the host/],
    [join(dir, 'loop'), /does not exist on the host/],
  ] as const) {
    const guest = withSpec({ mounts: [{ type: 'bind', source, target: '/host' }] });
    for (const method of ['CheckContainer', 'CreateContainer'])
      await t.throwsAsync(containers.guest(method, guest), { message }, source);
  }
});

test('does not start a container whose directory has become a link meanwhile', async (t) => {
  const { dir, containers } = await allowing(t);
  const source = join(dir, 'data');
  await mkdir(source);
  const guest = withSpec({ mounts: [{ type: 'bind', source, target: '/host' }] });
  await containers.guest('CreateContainer', guest);
  await rename(source, join(dir, 'moved'));
  await symlink(await tempDir(t), source);
  await t.throwsAsync(containers.guest('StartContainer', guest), { message: /is not below a directory/ });
  await execa('ln', ['-sfn', join(dir, 'moved'), source]);
  await t.throwsAsync(containers.guest('StartContainer', guest), { message: /it is now a link to/ });
});

test('rejects a read-only bind mount with another file system below it, which would stay writable', async (t) => {
  const { dir, containers } = await allowing(t);
  const below = join(dir, 'a dir/below');
  await mkdir(below, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', 'none', below]);
  t.teardown(() => execa('umount', [below]));
  const mount = { type: 'bind', source: join(dir, 'a dir'), target: '/host' } as const;
  await t.throwsAsync(
    containers.guest('CheckContainer', withSpec({ mounts: [{ ...mount, readOnly: true }] })),
    {
      message: /other file systems are mounted below it/,
    },
  );
  await t.notThrowsAsync(containers.guest('CheckContainer', withSpec({ mounts: [mount] })));
});

/** Makes an image with `VOLUME` paths, the first of which has a file. */
const imageWithVolumes = async (): Promise<string> => {
  const engine = await shared.engine();
  const image = `localhost/volumes-${randomUUID().slice(0, 8)}:1`;
  const name = `maker-${randomUUID()}`;
  await engine.run(
    'run',
    '--name',
    name,
    IMAGE,
    'sh',
    '-c',
    '/bin/busybox mkdir -p /data/db && echo seed > /data/db/seed',
  );
  await engine.run('commit', '--change', 'VOLUME ["/data/db", "/logs/"]', name, image);
  await engine.run('rm', name);
  return image;
};

test('gives the VOLUME paths of an image volumes that the record names, and drops them with the guest', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const before = (await engine.run('volume', 'ls', '--quiet')).split('\n').length;
  const image = await imageWithVolumes();
  const guest = await start(containers, withSpec({}, { image }));
  const mounts = guest.container?.imageMounts ?? [];
  t.deepEqual(
    mounts.map(({ target }) => target),
    ['/data/db', '/logs'],
  );
  t.is(await inGuest(guest, 'cat /data/db/seed'), 'seed');
  const listed = (await containers.call('ListVolumes', { name: '' })).volumes;
  for (const { target, volume } of mounts)
    t.like(
      listed.find(({ name }) => name === volume),
      { guest: guest.id, target, guests: [guest.id] },
    );
  await containers.guest('DeleteContainer', guest);
  t.is((await engine.run('volume', 'ls', '--quiet')).split('\n').length, before);
});

test('keeps the volumes of VOLUME paths if it is asked to, and makes none where the guest mounts something', async (t) => {
  const containers = await shared.containers();
  const image = await imageWithVolumes();
  const mounts = [{ type: 'tmpfs', target: '/logs' }] as const;
  const guest = await start(containers, withSpec({ imageVolumes: 'keep', mounts: [...mounts] }, { image }));
  t.deepEqual(
    guest.container?.imageMounts?.map(({ target }) => target),
    ['/data/db'],
  );
  const name = guest.container?.imageMounts?.[0]?.volume ?? '';
  await inGuest(guest, 'echo more > /data/db/more');
  await containers.guest('DeleteContainer', guest);
  t.true((await names(containers)).includes(name));
  const other = await start(
    containers,
    withSpec({ mounts: [{ type: 'volume', source: name, target: '/old' }] }),
  );
  t.is(await inGuest(other, 'cat /old/seed /old/more'), 'seed\nmore');
  await containers.guest('DeleteContainer', other);
  await containers.call('DeleteVolume', { name });
});

test('a guest that is made again finds the volumes of its VOLUME paths', async (t) => {
  const containers = await shared.containers();
  const image = await imageWithVolumes();
  const guest = await start(containers, withSpec({ imageVolumes: 'keep' }, { image }));
  await inGuest(guest, 'echo more > /data/db/more');
  await containers.guest('DeleteContainer', guest);
  await start(containers, guest);
  t.is(await inGuest(guest, 'cat /data/db/more'), 'more');
  await containers.guest('DeleteContainer', { ...guest, container: SLEEP });
  t.false((await names(containers)).some((name) => name.startsWith(guest.id)));
});
