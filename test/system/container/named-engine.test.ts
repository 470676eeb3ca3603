import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import ava, { type ExecutionContext } from 'ava';
import Docker from 'dockerode';
import type { Guest } from '../../../lib/model/guest.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { ociLayout } from '../../helpers/oci-layout.js';
import {
  busyboxRootfs,
  IMAGE,
  needsPodmanInTurn,
  newGuest,
  SharedPodman,
  startTestContainers,
  type TestContainers,
} from '../../helpers/podman.js';
import { until } from '../../helpers/wait.js';

/** The socket of a Docker or a Podman that these tests may use; by default they start a Podman of their own. */
const NAMED = process.env.MISTIFY_TEST_ENGINE;

const test: typeof needsPodmanInTurn = NAMED ? ava.serial : needsPodmanInTurn;

const shared = new SharedPodman();
ava.after.always(() => shared.stop());

const engine = async (): Promise<Docker> =>
  new Docker({ socketPath: NAMED ?? (await shared.podman()).socket });

const load = async ({ call, importDir }: TestContainers, id: string, archive: Buffer, format?: string) => {
  const source = join(importDir, `${randomUUID()}.tar`);
  await writeFile(source, archive);
  return call('LoadImage', { id, type: 'container', dest: '', source, ...(format ? { format } : {}) });
};

const start = async (t: ExecutionContext): Promise<TestContainers> => {
  const containers = await startTestContainers(t, NAMED ?? (await shared.podman()).socket);
  await load(containers, IMAGE, await busyboxRootfs(), 'rootfs');
  return containers;
};

/** Starts a guest, and deletes it when the test ends. */
const run = async (
  t: ExecutionContext,
  containers: TestContainers,
  more: Partial<Guest>,
): Promise<string> => {
  const guest = newGuest(more);
  await containers.guest('CreateContainer', guest);
  t.teardown(() => containers.guest('DeleteContainer', guest));
  t.is((await containers.guest('StartContainer', guest)).guest.state, 'running');
  return guest.id;
};

const inspect = async (id: string) => (await engine()).getContainer(containerName(id)).inspect();

const nic = (network: string, mac?: string) => ({
  ...{ network, model: '', address: '', netmask: '', gateway: '', vlans: [] },
  ...(mac ? { mac } : {}),
});

test('runs a guest through its states', async (t) => {
  const containers = await start(t);
  const id = await run(t, containers, {});
  t.like((await inspect(id)).Config as object, { StopTimeout: 10 });
  for (const [method, state] of [
    ['PauseContainer', 'paused'],
    ['UnpauseContainer', 'running'],
    ['StopContainer', 'stopped'],
    ['StartContainer', 'running'],
    ['RestartContainer', 'running'],
    ['DeleteContainer', 'deleted'],
  ] as const) {
    const args = method === 'StopContainer' || method === 'RestartContainer' ? { timeout: '0' } : undefined;
    t.is((await containers.guest(method, { id }, args)).guest.state, state, method);
  }
});

test('confines a container as on every other engine', async (t) => {
  const containers = await start(t);
  const id = await run(t, containers, {
    metadata: { command: `sh -c 'cat /proc/self/status; exec sleep 600'` },
  });
  const logs = async (): Promise<string> =>
    (await (await engine()).getContainer(containerName(id)).logs({ stdout: true, follow: false })).toString();
  await until('the program has written its status', async () => (await logs()).includes('NoNewPrivs'));
  t.regex(await logs(), /NoNewPrivs:\s+1/);
  t.regex(await logs(), /CapBnd:\s+00000000800405fb/);
  t.is((await inspect(id)).HostConfig.PidsLimit, 2048);
});

test('gives a NIC on the default network its MAC, and refuses the network of the host', async (t) => {
  const containers = await start(t);
  const mac = '52:54:00:aa:00:77';
  const id = await run(t, containers, { nics: [nic('user', mac)] });
  const { Networks } = (await inspect(id)).NetworkSettings;
  t.deepEqual(
    Object.values(Networks).map(({ MacAddress }) => MacAddress),
    [mac],
  );
  for (const network of ['host', 'none'])
    await t.throwsAsync(containers.guest('CreateContainer', newGuest({ nics: [nic(network)] })), {
      message: /^NIC 0: network (host is the host's own|none connects nothing)/,
    });
});

test('deletes guests whose programs end at any moment of the deletion', async (t) => {
  const containers = await start(t);
  for (let n = 0; n < 8; n += 1) {
    const guest = newGuest({ metadata: { command: 'sleep 0.2' } });
    await containers.guest('CreateContainer', guest);
    await containers.guest('StartContainer', guest);
    await delay(n * 30);
    t.is((await containers.guest('DeleteContainer', guest)).guest.state, 'deleted');
  }
});

test('has no metrics of a stopped guest', async (t) => {
  const containers = await start(t);
  const id = await run(t, containers, {});
  t.true((await containers.guest('CPUMetrics', { id })).cpu.length > 0);
  await containers.guest('StopContainer', { id }, { timeout: '0' });
  await t.throwsAsync(containers.guest('CPUMetrics', { id }), {
    message: /is stopped: only a running guest/,
  });
});

test('loads an image in OCI layout without a manifest.json, and reports one size for it', async (t) => {
  const containers = await start(t);
  const name = `localhost/oci:${randomUUID()}`;
  await load(containers, name, await ociLayout(await busyboxRootfs()));
  const docker = await engine();
  t.teardown(() => docker.getImage(name).remove({ force: true }));
  const { images } = await containers.call('ListImages', { id: '' });
  const listed = images.find(({ id }) => id === name);
  t.true((listed?.size ?? 0) > 0);
  t.is((await containers.call('GetImage', { id: name })).images[0]?.size, listed?.size);
  const id = await run(t, containers, { image: name });
  await containers.guest('DeleteContainer', { id });
});
