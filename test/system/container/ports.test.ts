import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import ava from 'ava';
import type { ContainerSpec } from '../../../lib/model/container/spec.js';
import type { Guest, Nic } from '../../../lib/model/guest.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { freePort } from '../../helpers/ports.js';
import { callMethod } from '../../helpers/sub-agents.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const nic = (network: string): Nic => ({
  ...{ network, model: '', address: '', netmask: '', gateway: '', vlans: [] },
});

/** Creates and starts a guest. */
const run = async (container: ContainerSpec, more: Partial<Guest> = {}): Promise<Guest> => {
  const containers = await shared.containers();
  const guest = newGuest({ nics: [nic('user')], ...more, container: { command: 'sleep 600', ...container } });
  await containers.guest('CreateContainer', guest);
  await containers.guest('StartContainer', guest);
  return guest;
};

const inside = async ({ id }: Guest, ...command: string[]): Promise<string> =>
  (await shared.engine()).run('exec', containerName(id), ...command);

/** Serves the text `hello` over HTTP. */
const SERVING: ContainerSpec = {
  command: [
    'sh',
    '-c',
    'mkdir -p /tmp/www; echo hello > /tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www',
  ],
};

test('a port of the host leads into a guest, on the address that it names, also after a restart', async (t) => {
  const [open, local] = [await freePort(), await freePort()];
  const guest = await run({
    ...SERVING,
    ports: [
      { hostPort: open, port: 80 },
      { hostAddress: '127.0.0.1', hostPort: local, port: 80 },
    ],
  });
  const answers = (port: number) => async () =>
    (await fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.text(),
      () => '',
    )) === 'hello\n';
  await until('the open port answers', answers(open), 20_000);
  await until('the local port answers', answers(local), 20_000);
  const containers = await shared.containers();
  await containers.guest('RestartContainer', guest, { timeout: '0' });
  await until('the port answers again', answers(open), 20_000);
  await containers.guest('DeleteContainer', guest);
  await t.throwsAsync(fetch(`http://127.0.0.1:${open}/`));
});

test('a port that something on the host has is refused before anything is made, in words that name it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port: hostPort } = server.address() as AddressInfo;
  const containers = await shared.containers();
  const guest = newGuest({
    nics: [nic('user')],
    container: { command: 'sleep 600', ports: [{ hostPort, port: 80 }] },
  });
  for (const method of ['CheckContainer', 'CreateContainer']) {
    const { kind, error } = await callMethod(containers.port, `MDocker.${method}`, { guest, action: '' });
    t.is(kind, 'conflict');
    t.regex(
      error ?? '',
      new RegExp(`^port ${hostPort}/tcp of this host is taken by .*process ${process.pid}`),
    );
  }
  await t.throwsAsync((await shared.engine()).run('inspect', containerName(guest.id)));
});

test('a port that is taken between the creation and the start is a conflict', async (t) => {
  const containers = await shared.containers();
  const hostPort = await freePort();
  const guest = newGuest({
    nics: [nic('user')],
    container: { command: 'sleep 600', ports: [{ hostPort, port: 80 }] },
  });
  await containers.guest('CreateContainer', guest);
  const server = createServer().listen(hostPort, '0.0.0.0');
  await once(server, 'listening');
  const { kind, error } = await callMethod(containers.port, 'MDocker.StartContainer', { guest, action: '' });
  t.is(kind, 'conflict', error ?? '');
  server.close();
  t.is((await containers.guest('StartContainer', guest)).guest.state, 'running');
});

test('refuses ports and names that no network of the guest has', async (t) => {
  const containers = await shared.containers();
  for (const [container, nics, message] of [
    [{ ports: [{ hostPort: 1, port: 1 }] }, [], /add one on the network user/],
    [
      {
        ports: [
          { hostPort: 1, port: 1 },
          { hostPort: 1, port: 2 },
        ],
      },
      [nic('user')],
      /host port 1 twice/,
    ],
    [{ aliases: ['db'] }, [nic('user')], /network create NAME/],
  ] as [ContainerSpec, Nic[], RegExp][])
    await t.throwsAsync(containers.guest('CheckContainer', newGuest({ nics, container })), { message });
});

test('guests on a network of the engine find each other by their aliases', async (t) => {
  const engine = await shared.engine();
  const network = `names${randomBytes(4).toString('hex')}`;
  await engine.createNetwork(network, { names: true });
  const db = await run({ aliases: ['db', 'db.shop'] }, { nics: [nic(network)] });
  const web = await run({}, { nics: [nic(network)] });
  const address =
    /inet ([0-9.]+)/.exec(await inside(db, 'ip', '-4', 'addr', 'show', 'dev', 'eth0'))?.[1] ?? '-';
  for (const name of ['db', 'db.shop', containerName(db.id)])
    await until(`${name} is found`, async () =>
      (await inside(web, 'busybox', 'nslookup', name).catch(String)).includes(address),
    );
  t.pass();
});

test('a guest has its own extra hosts, name servers and search domains', async (t) => {
  const spec: ContainerSpec = {
    extraHosts: { 'registry.example': '192.0.2.7' },
    ...{ dns: ['192.0.2.53'], dnsSearch: ['shop.example'] },
  };
  const { kind } = await shared.engine();
  if (kind === 'podman') await t.throwsAsync(run(spec, { nics: [] }), { message: /Podman writes no/ });
  for (const nics of kind === 'podman' ? [[nic('user')]] : [[nic('user')], []]) {
    const guest = await run(spec, { nics });
    t.regex(await inside(guest, 'cat', '/etc/hosts'), /^192\.0\.2\.7\s+registry\.example/m);
    const resolv = await inside(guest, 'cat', '/etc/resolv.conf');
    t.regex(resolv, /^nameserver 192\.0\.2\.53$/m);
    t.regex(resolv, /^search shop\.example$/m);
  }
});
