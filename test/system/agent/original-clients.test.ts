import { randomInt, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Guest } from '../../../lib/model/guest.js';
import type { Job } from '../../../lib/model/job.js';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import { buildGuestImage } from '../../../scripts/guest-image.js';
import { makeBridge } from '../../helpers/bridge.js';
import { serveFile } from '../../helpers/file-server.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';

const test = needs('genisoimage', 'ip', 'root', ...LINUX_PARTS);

const IMAGE = 'ubuntu-14.04-server-mistify-amd64-disk1.zfs';
const BOOT_TIMEOUT_MS = 240_000;

/** Starts an agent whose storage fetches images by their ids, as the original's image service serves them. */
const startAgent = async (t: ExecutionContext): Promise<RealAgent> => {
  const { url } = await serveFile(t, await readFile(await buildGuestImage()));
  return startRealAgent(t, (config) => {
    const { storage } = config.services;
    if (!storage) throw new Error('the config has no service "storage"');
    const command = ['mistify-storage', '--image-server', url];
    return { ...config, services: { ...config.services, storage: { ...storage, command } } };
  });
};

/** Sends a POST as lochness does: JSON, `null` for an action, and no other status than 202 is a success. */
const post = async (
  { url }: RealAgent,
  path: string,
  body: unknown = null,
): Promise<{ job: string; body: unknown }> => {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`POST ${path}: ${response.status} ${text}`);
  return { job: response.headers.get('X-Guest-Job-ID') ?? '', body: JSON.parse(text) };
};

/** Polls a job as lochness does, at /jobs/{id}, until it is `Complete`. */
const complete = ({ url }: RealAgent, job: string): Promise<true> =>
  until(
    `job ${job} is complete`,
    async () => {
      const response = await fetch(`${url}/jobs/${job}`);
      if (response.status !== 200) throw new Error(`job ${job}: ${response.status}`);
      const { Status, Message } = (await response.json()) as Job;
      if (Status === 'Error') throw new Error(Message);
      return Status === 'Complete' || undefined;
    },
    BOOT_TIMEOUT_MS,
  ) as Promise<true>;

const says = ({ dbpath }: RealAgent, id: string, words: string): Promise<true> =>
  until(
    `guest ${id} says "${words}"`,
    async () => {
      const log = await readFile(join(dbpath, 'qemu', 'guests', id, 'serial.log'), 'utf8').catch(() => '');
      return log.includes(words) || undefined;
    },
    BOOT_TIMEOUT_MS,
  ) as Promise<true>;

const answersPing = async (address: string): Promise<boolean> => {
  const { exitCode } = await execa('busybox', ['ping', '-c', '1', '-W', '1', address], { reject: false });
  return exitCode === 0;
};

test('a guest as lochness sends it comes up on a plain Linux bridge, is stopped, and is deleted', async (t) => {
  t.timeout(600_000);
  const subnet = `198.18.${randomInt(256)}`;
  const bridge = await makeBridge(t, `${subnet}.1/24`);
  const agent = await startAgent(t);
  const fetched = await post(agent, '/images', { id: IMAGE, type: 'kvm', dest: '', source: '' });
  await complete(agent, fetched.job);

  const id = randomUUID();
  const created = await post(agent, '/guests', {
    id,
    type: 'kvm',
    image: IMAGE,
    nics: [
      {
        name: 'eth0',
        network: bridge,
        model: 'virtio',
        mac: '52:54:00:12:34:56',
        address: `${subnet}.10`,
        netmask: 'ffffff00',
        gateway: `${subnet}.1`,
        vlans: [1],
      },
    ],
    disks: [{ bus: '', device: '', size: 64, volume: '', image: IMAGE, source: IMAGE }],
    memory: 128,
    cpu: 1,
    metadata: { owner: 'ops' },
  });
  t.like(created.body, { id, state: 'create' });
  await complete(agent, created.job);
  await says(agent, id, `address ${subnet}.10/24`);
  await says(agent, id, 'mistify-guest: up');
  t.true(existsSync(`/sys/class/net/${bridge}/brif/${tapName(id, 0)}`));
  await until('the guest replies', () => answersPing(`${subnet}.10`));

  const response = await fetch(`${agent.url}/guests/${id}`);
  t.is(response.status, 200);
  const guest = (await response.json()) as Guest;
  t.like(guest, { id, state: 'running', memory: 128, cpu: 1, nics: [{ netmask: 'ffffff00', vlans: [1] }] });
  t.not(guest.disks?.[0]?.source, IMAGE, 'the disk is a clone of the image');

  await complete(agent, (await post(agent, `/guests/${id}/poweroff`)).job);
  await complete(agent, (await post(agent, `/guests/${id}/start`)).job);
  await complete(agent, (await post(agent, `/guests/${id}/delete`)).job);
  t.is((await fetch(`${agent.url}/guests/${id}`)).status, 404);
});

test("guests as the original's own test script and lochness post them come up: without a gateway, on network user", async (t) => {
  t.timeout(600_000);
  const bridge = await makeBridge(t);
  const agent = await startAgent(t);
  await complete(agent, (await post(agent, '/images', { id: IMAGE })).job);
  for (const guest of [
    {
      metadata: { foo: 'bar' },
      memory: 128,
      cpu: 2,
      nics: [
        {
          model: 'virtio',
          address: '10.10.10.10',
          netmask: '255.255.255.0',
          gateway: '10.10.10.1',
          network: bridge,
        },
      ],
      disks: [{ image: IMAGE }, { size: 8 }],
    },
    {
      memory: 128,
      cpu: 1,
      nics: [
        {
          name: 'eth0',
          network: bridge,
          model: 'virtio',
          address: '10.10.10.11',
          netmask: 'ffffff00',
          gateway: '<nil>',
          vlans: [1],
        },
      ],
      disks: [{ bus: '', device: '', size: 64, volume: '', image: IMAGE, source: IMAGE }],
    },
    {
      memory: 128,
      cpu: 1,
      nics: [{ network: 'user', model: 'virtio', address: '', netmask: '', gateway: '', vlans: [1] }],
      disks: [{ image: IMAGE, source: IMAGE }],
    },
  ]) {
    const { job, body } = await post(agent, '/guests', guest);
    await complete(agent, job);
    const { id } = body as Guest;
    t.like(await (await fetch(`${agent.url}/guests/${id}`)).json(), { state: 'running' });
    await complete(agent, (await post(agent, `/guests/${id}/delete`)).job);
  }
});
