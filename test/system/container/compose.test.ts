import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import { stringify } from 'yaml';
import { mistify } from '../../helpers/command-line.js';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { SharedEngine } from '../../helpers/containers.js';
import { IMAGE } from '../../helpers/engines/busybox.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import { freePort } from '../../helpers/ports.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const POD = {
  name: 'shop',
  services: {
    web: {
      image: IMAGE,
      command: ['sh', '-c', 'cat /data/file; exec sleep 600'],
      mem_limit: '32m',
      volumes: ['data:/data:ro'],
      network_mode: 'none',
      stop_grace_period: '0s',
      depends_on: { db: { condition: 'service_healthy' } },
    },
    db: {
      image: IMAGE,
      command: ['sh', '-c', 'echo $$GREETING > /data/file; exec sleep 600'],
      environment: { GREETING: 'hello' },
      mem_limit: '32m',
      volumes: ['data:/data'],
      network_mode: 'none',
      stop_grace_period: '0s',
      healthcheck: { test: ['CMD', 'cat', '/data/file'], interval: '1s' },
    },
  },
  volumes: { data: null },
};

test('brings a pod file up and down, changes only what has changed, and keeps its volume unless told otherwise', async (t) => {
  const { socket } = await shared.engine();
  const { url, client } = await startContainerAgent(t, socket);
  const file = join(await tempDir(t), 'shop.yaml');
  const compose = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await mistify(t, url, 'compose', ...args, '-f', file);
    t.is(exitCode, 0, stderr);
    return stdout;
  };
  const guests = async () => {
    const { items } = await client.guests.list();
    return new Map(items.map((guest) => [guest.metadata?.['compose.service'] ?? '', guest]));
  };
  const volumes = async () => (await client.volumes.list()).items.map(({ name }) => name);

  await writeFile(file, stringify(POD));
  t.is(await compose('up', '--dry-run'), 'db: would be created\nweb: would be created');
  t.deepEqual([(await guests()).size, await volumes()], [0, []]);

  t.is(await compose('up'), 'volume shop_data: created\ndb: created\nweb: created');
  const first = await guests();
  t.is(first.get('web')?.metadata?.name, 'shop-web');
  t.is(
    (await client.guests.exec(first.get('web')?.id ?? '', { command: ['cat', '/data/file'] })).stdout,
    'hello\n',
  );
  t.regex(await compose('ps'), /^web +\S+ +shop-web +running +localhost\/bb:1$/m);

  t.is(await compose('up'), 'db: up to date\nweb: up to date');
  t.deepEqual(await guests(), first);

  const { jobId } = await client.guests.perform(first.get('db')?.id ?? '', 'poweroff');
  await client.waitForJob(jobId);
  t.is(await compose('up'), 'db: started\nweb: up to date');

  const changed = { ...POD.services.web, hostname: 'web-1' };
  await writeFile(file, stringify({ ...POD, services: { ...POD.services, web: changed } }));
  t.is(await compose('up'), 'db: up to date\nweb: changed');
  const second = await guests();
  t.is(second.get('web')?.id, first.get('web')?.id);
  t.is(second.get('web')?.container?.hostname, 'web-1');

  t.regex(await compose('down', '--yes'), /^web: deleted$/m);
  t.deepEqual([(await guests()).size, await volumes()], [0, ['shop_data']]);
  t.is(await compose('down', '--yes', '--volumes'), 'volume shop_data: deleted');
  t.deepEqual(await volumes(), []);
});

test('makes nothing when the file asks for what the host refuses', async (t) => {
  const { socket } = await shared.engine();
  const { url, client } = await startContainerAgent(t, socket);
  const file = join(await tempDir(t), 'shop.yaml');
  const refused = { ...POD.services.web, volumes: ['/etc:/host'], depends_on: ['db'] };
  await writeFile(file, stringify({ ...POD, services: { ...POD.services, web: refused } }));
  const { exitCode, stderr } = await mistify(t, url, 'compose', 'up', '-f', file);
  t.not(exitCode, 0);
  t.regex(stderr, /bind mount of \/etc: this host allows none/);
  t.deepEqual((await client.guests.list()).items, []);
  t.deepEqual((await client.volumes.list()).items, []);
});

test('services on a network of the engine know each other by name, and publish ports', async (t) => {
  const engine = await shared.engine();
  const { url, client } = await startContainerAgent(t, engine.socket);
  const network = `pod${randomBytes(4).toString('hex')}`;
  await engine.createNetwork(network, { names: true });
  const file = join(await tempDir(t), 'compose.yaml');
  const port = await freePort();
  const service = (command: string) => ({
    image: IMAGE,
    command: ['sh', '-c', command],
    mem_limit: '32m',
    networks: ['inner'],
    stop_grace_period: '0s',
  });
  const services = {
    web: {
      ...service('mkdir /tmp/w; echo hello > /tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w'),
      ports: [`127.0.0.1:${port}:80`],
    },
    client: { ...service('sleep 600'), depends_on: ['web'] },
  };
  await writeFile(
    file,
    stringify({ name: 'names', services, networks: { inner: { external: true, name: network } } }),
  );
  const { exitCode, stderr } = await mistify(t, url, 'compose', 'up', '-f', file);
  t.is(exitCode, 0, stderr);
  const guests = (await client.guests.list()).items;
  const idOf = (name: string): string =>
    guests.find(({ metadata }) => metadata?.name === `names-${name}`)?.id ?? '';
  const lookUp = async (): Promise<string> =>
    (await client.guests.exec(idOf('client'), { command: ['busybox', 'nslookup', 'web'] })).stdout;
  await until('the name of a service is found', async () => /^Name:\s+web/m.test(await lookUp()));
  const page = (): Promise<string> =>
    fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.text(),
      () => '',
    );
  await until('the port answers', async () => (await page()) === 'hello\n');
  t.is((await mistify(t, url, 'compose', 'up', '-f', file)).stdout, 'web: up to date\nclient: up to date');
  t.is((await mistify(t, url, 'compose', 'down', '--yes', '-f', file)).exitCode, 0);
  await engine.run('network', 'rm', network);
});
