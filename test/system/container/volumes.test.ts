import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import ava from 'ava';
import {
  newGuest,
  SharedEngine,
  startTestContainers,
  type TestContainers,
} from '../../helpers/containers.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const newName = (): string => `data-${randomUUID().slice(0, 8)}`;

const create = (containers: TestContainers, name: string, rest: object = {}) =>
  containers.call('CreateVolume', { name, ...rest });

const names = async (containers: TestContainers): Promise<string[]> =>
  (await containers.call('ListVolumes', { name: '' })).volumes.map((volume) => volume.name);

test('creates, lists, shows and deletes a volume with its labels', async (t) => {
  const containers = await shared.containers();
  const name = newName();
  const { volumes } = await create(containers, name, { labels: { team: 'shop' } });
  t.like(volumes[0], { name, labels: { team: 'shop' }, guests: [] });
  t.false(Number.isNaN(Date.parse(volumes[0]?.created ?? '')));
  t.true((await names(containers)).includes(name));
  const shown = (await containers.call('GetVolume', { name })).volumes[0];
  t.like(shown, { ...volumes[0] });
  t.is(typeof shown?.used, 'number');
  await containers.call('DeleteVolume', { name });
  t.false((await names(containers)).includes(name));
  await t.throwsAsync(containers.call('GetVolume', { name }), { message: `volume ${name}: not found` });
});

test('reports the disk space that a volume takes', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const name = newName();
  await create(containers, name);
  const write = 'dd if=/dev/zero of=/data/file bs=1048576 count=5';
  await engine.run(
    'run',
    '--rm',
    '-v',
    `mistify-${name}:/data`,
    'localhost/bb:1',
    '/bin/busybox',
    'sh',
    '-c',
    `/bin/busybox ${write}`,
  );
  const [volume] = (await containers.call('GetVolume', { name })).volumes;
  t.true((volume?.used ?? 0) >= 5 && (volume?.used ?? 0) < 8, String(volume?.used));
});

test('rejects a second volume of a name, and says so in a dry run', async (t) => {
  const containers = await shared.containers();
  const name = newName();
  await create(containers, name);
  const expected = { message: `volume ${name} exists already: use it, or give the new one another name` };
  await t.throwsAsync(create(containers, name), expected);
  await t.throwsAsync(containers.call('CheckCreateVolume', { name }), expected);
});

test('rejects a size that the engine does not enforce, and makes nothing', async (t) => {
  const containers = await shared.containers();
  const name = newName();
  await t.throwsAsync(create(containers, name, { size: 10 }), {
    message: /cannot enforce a size here.*leave the size out/,
  });
  t.false((await names(containers)).includes(name));
  t.false((await (await shared.engine()).run('volume', 'ls', '--quiet')).includes(name));
});

test('neither lists nor changes volumes of the host and of other agents', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const [ofHost, ofOther] = [newName(), newName()];
  await engine.run('volume', 'create', `mistify-${ofHost}`);
  const other = await startTestContainers(t, engine.socket);
  await create(other, ofOther);
  const listed = await names(containers);
  t.false(listed.includes(ofHost));
  t.false(listed.includes(ofOther));
  for (const name of [ofHost, ofOther]) {
    for (const method of ['GetVolume', 'DeleteVolume', 'CheckDeleteVolume'])
      await t.throwsAsync(containers.call(method, { name }), { message: `volume ${name}: not found` });
    await t.throwsAsync(create(containers, name), { message: /^the engine has a volume named mistify-/ });
  }
  t.deepEqual(await names(other), [ofOther]);
});

test('names the guests of a volume, and refuses to delete it while there are any', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const name = newName();
  await create(containers, name);
  const { id } = newGuest();
  const label = `io.mistify.guest=${id}`;
  await engine.run(
    'create',
    '--name',
    id,
    '--label',
    label,
    '-v',
    `mistify-${name}:/data`,
    'localhost/bb:1',
    'sh',
  );
  const [volume] = (await containers.call('GetVolume', { name })).volumes;
  t.deepEqual(volume?.guests, [id]);
  const message = `volume ${name} is in use: delete these guests first: ${id}`;
  await t.throwsAsync(containers.call('DeleteVolume', { name }), { message });
  await t.throwsAsync(containers.call('CheckDeleteVolume', { name }), { message });
  await engine.run('rm', id);
  await containers.call('DeleteVolume', { name });
});

test('refuses to delete a volume that a container of the host uses', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const name = newName();
  await create(containers, name);
  const container = `host-${name}`;
  await engine.run('create', '--name', container, '-v', `mistify-${name}:/data`, 'localhost/bb:1', 'sh');
  await t.throwsAsync(containers.call('DeleteVolume', { name }), { message: /is in use by containers/ });
  await engine.run('rm', container);
  await containers.call('DeleteVolume', { name });
});

test('takes over the volumes of an agent whose directory is gone', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const name = newName();
  const gone = join('/nonexistent', name);
  await engine.run('volume', 'create', '--label', `io.mistify.owner=${gone}`, `mistify-${name}`);
  t.true((await names(containers)).includes(name));
  await containers.call('DeleteVolume', { name });
});

test('prunes the wanted volumes that no container has mounted, of a guest or not', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  const [free, mounted, spared] = [newName(), newName(), newName()];
  for (const name of [free, mounted, spared]) await create(containers, name);
  const container = `host-${mounted}`;
  await engine.run('create', '--name', container, '-v', `mistify-${mounted}:/data`, 'localhost/bb:1', 'sh');
  const unused = (await containers.call('UnusedVolumes', { name: '' })).volumes.map(({ name }) => name);
  t.true(unused.includes(free));
  t.true(unused.includes(spared));
  t.false(unused.includes(mounted));
  const pruned = await containers.call('PruneVolumes', { name: '', names: [free, mounted] });
  t.deepEqual(
    pruned.volumes.map(({ name }) => name),
    [free],
  );
  t.is(pruned.message, 'deleted 1 volumes');
  const left = await names(containers);
  t.true(left.includes(mounted) && left.includes(spared));
  t.false(left.includes(free));
  await engine.run('rm', container);
});
