import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import type { ContainerChange } from '../../../lib/model/container/spec-patch.js';
import type { Guest, Nic } from '../../../lib/model/guest.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import {
  newGuest,
  SharedEngine,
  startTestContainers,
  type TestContainers,
} from '../../helpers/containers.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { freePort } from '../../helpers/ports.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const nic = (network: string, more = {}): Nic => ({
  ...{ network, model: '', address: '', netmask: '', gateway: '', vlans: [] },
  ...more,
});

const inspect = async (name: string, format: string): Promise<string> =>
  (await shared.engine()).run('inspect', '--format', format, name);

/** The containers of a guest. */
const containersOf = async ({ id }: Guest): Promise<string[]> => {
  const listed = await (await shared.engine()).run('ps', '--all', '--format', '{{.Names}}');
  return listed.split('\n').filter((name) => name.includes(id));
};

const run = async (more: Partial<Guest> = {}, on?: TestContainers): Promise<Guest> => {
  const containers = on ?? (await shared.containers());
  const guest = newGuest(more);
  const created = await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  return { ...guest, ...created.guest };
};

const update = async (guest: Guest, change: ContainerChange, on?: TestContainers) =>
  (on ?? (await shared.containers())).call('Update', { guest, action: 'containerUpdate', change });

test('memory, CPUs and processes change while it runs, or by a container that is made anew where the engine changes none', async (t) => {
  const guest = await run({ cpu: 0.5, container: { command: 'sleep 600', pidsLimit: 50 } });
  const name = containerName(guest.id);
  const before = await inspect(name, '{{.Id}} {{.State.Pid}}');
  const change = { memory: 48, cpu: 0.75, container: { pidsLimit: 70 } };
  const containers = await shared.containers();
  const { changesLimits: isLive } = (await shared.engine()).traits;
  const { guest: changed, message } = await update(guest, change);
  t.like(changed, {
    memory: 48,
    cpu: 0.75,
    state: 'running',
    container: { command: 'sleep 600', pidsLimit: 70 },
  });
  t.regex(message ?? '', isLive ? /changed while it runs/ : /made anew/);
  t.is((await inspect(name, '{{.Id}} {{.State.Pid}}')) === before, isLive);
  const limits = '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}';
  const wanted = `${48 * 2 ** 20} 750000000 70`;
  t.is(await inspect(name, limits), wanted);
  await containers.guest('RestartContainer', guest, { timeout: '0' });
  t.is(await inspect(name, limits), wanted, 'also after a restart');
});

test('a container that is made anew keeps its volumes, address, MAC, ports and name', async (t) => {
  const engine = await shared.engine();
  const network = `replace${process.pid}`;
  const subnet = await engine.createNetwork(network);
  const address = subnet.replace(/\.0\/24$/, '.77');
  const nics = [nic(network, { address: `${address}/24`, mac: '52:54:00:00:00:77' })];
  const ports = [{ hostPort: await freePort(), port: 80 }];
  const mounts = [{ type: 'volume' as const, source: `data${process.pid}`, target: '/data' }];
  const guest = await run({
    nics,
    container: { command: 'sleep 600', mounts, ports, env: { A: '1', B: '2' } },
  });
  const name = containerName(guest.id);
  await engine.run('exec', name, 'sh', '-c', 'echo kept > /data/file; echo lost > /tmp/file');
  const before = await inspect(name, '{{.Id}}');
  const { guest: changed, message } = await update(guest, {
    container: {
      command: ['sh', '-c', 'echo $A$C; exec sleep 600'],
      env: { B: null, C: '3' },
      labels: { team: 'shop' },
    },
  });
  t.regex(message ?? '', /made anew/);
  t.like(changed, { state: 'running', container: { env: { A: '1', C: '3' }, mounts, ports } });
  t.not(await inspect(name, '{{.Id}}'), before);
  t.deepEqual(await containersOf(guest), [name]);
  t.is(await engine.run('exec', name, 'cat', '/data/file'), 'kept');
  await t.throwsAsync(engine.run('exec', name, 'cat', '/tmp/file'));
  const shown = await engine.run('exec', name, 'ip', 'addr', 'show', 'dev', 'eth0');
  t.true(shown.includes(`${address}/24`) && shown.includes('52:54:00:00:00:77'), shown);
  t.is(await inspect(name, '{{index .Config.Labels "team"}}'), 'shop');
  await until('its program has printed', async () => (await engine.run('logs', name)).includes('13'));
});

test('a stopped container that is made anew stays stopped', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  t.is((await update(guest, { container: { user: '1:1' } })).guest.state, 'stopped');
  t.is(await inspect(containerName(guest.id), '{{.Config.User}}'), '1:1');
});

test('the old container stays, and runs, when the new one cannot be made or started', async (t) => {
  const guest = await run();
  const name = containerName(guest.id);
  const before = await inspect(name, '{{.Id}}');
  for (const [change, message] of [
    [{ image: 'localhost/absent:1' }, /absent/],
    [{ container: { command: ['/no/such/program'] } }, /no\/such\/program/],
    [{ container: { capAdd: ['SYS_ADMIN'] } }, /may not have/],
  ] as [ContainerChange, RegExp][]) {
    await t.throwsAsync(update(guest, change), { message });
    t.is(await inspect(name, '{{.Id}} {{.State.Running}}'), `${before} true`, JSON.stringify(change));
    t.deepEqual(await containersOf(guest), [name]);
  }
  t.is((await (await shared.containers()).guest('Status', guest)).guest.state, 'running');
});

test('checks a change for a dry run, says what it would do, and does nothing', async (t) => {
  const guest = await run();
  const name = containerName(guest.id);
  const before = await inspect(name, '{{.Id}} {{.State.Pid}}');
  const containers = await shared.containers();
  const check = (change: ContainerChange) =>
    containers.call('CheckUpdate', { guest, action: 'containerUpdate', change });
  const { guest: checked, message } = await check({ container: { user: '1:1' } });
  t.like(checked, { container: { user: '1:1' } });
  t.regex(message ?? '', /would be made anew.*would restart/);
  await t.throwsAsync(check({ container: { capAdd: ['SYS_ADMIN'] } }), { message: /may not have/ });
  t.is(await inspect(name, '{{.Id}} {{.State.Pid}}'), before);
});

/** Lays out what a sub-agent leaves that was killed in a step of a replacement, as the steps follow each other. */
const steps = ['made', 'stopped', 'old renamed', 'new renamed', 'new started', 'done'] as const;

for (const [index, last] of steps.entries())
  test(`a replacement that a kill of the sub-agent ended after "${last}" is ${last === 'done' ? 'finished' : 'undone'} at its next start`, async (t) => {
    const engine = await shared.engine();
    const dir = await tempDir(t);
    const first = await startTestContainers(t, engine.socket, { dir });
    const guest = await run({}, first);
    const name = containerName(guest.id);
    const old = await inspect(name, '{{.Id}}');
    await first.close();
    const did = (step: (typeof steps)[number]): boolean => steps.indexOf(step) <= index;
    const labels = ['io.mistify.guest', 'io.mistify.owner', 'io.mistify.nics'];
    const own = await Promise.all(
      labels.map(async (label) => `${label}=${await inspect(name, `{{index .Config.Labels "${label}"}}`)}`),
    );
    const options = own.flatMap((label) => ['--label', label]);
    await engine.run(
      'create',
      ...options,
      '--network',
      'none',
      '--name',
      `${name}.new`,
      guest.image ?? '',
      'sleep',
      '600',
    );
    if (did('stopped')) await engine.run('stop', '--time', '0', name);
    if (did('old renamed')) await engine.run('rename', name, `${name}.old`);
    if (did('new renamed')) await engine.run('rename', `${name}.new`, name);
    if (did('new started')) await engine.run('start', name);
    const record = { ran: true, done: did('done') };
    await writeFile(join(dir, 'guests', guest.id, 'replacement.json'), JSON.stringify(record));

    const next = await startTestContainers(t, engine.socket, { dir });
    t.is((await next.guest('Status', guest)).guest.state, 'running');
    t.deepEqual(await containersOf(guest), [name]);
    t.is((await inspect(name, '{{.Id}}')) === old, last !== 'done');
    t.deepEqual(await readdir(join(dir, 'guests', guest.id)), []);
    await next.guest('DeleteContainer', guest);
  });
