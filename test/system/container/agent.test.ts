import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import ava from 'ava';
import axios from 'axios';
import type { Image } from '../../../lib/model/image.js';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { newGuest, SharedEngine } from '../../helpers/containers.js';
import { IMAGE } from '../../helpers/engines/busybox.js';
import { needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import type { RealAgent } from '../../helpers/real-agent.js';
import { serveHttp } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';
import { until } from '../../helpers/wait.js';

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

const perform = async (
  { client }: RealAgent,
  id: string,
  action: 'suspend' | 'resume' | 'poweroff' | 'start' | 'delete',
) => {
  const { jobId } = await client.guests.perform(id, action);
  await client.waitForJob(jobId);
};

const images = async ({ url }: RealAgent, type?: string): Promise<string[]> =>
  (await axios.get<Image[]>(`${url}/images`, { params: { type } })).data.map(({ id }) => id);

test('the agent’s API runs a container from create to delete', async (t) => {
  const agent = await startContainerAgent(t, (await shared.engine()).socket);
  const { client } = agent;
  const { id: _, ...spec } = newGuest();
  const created = await client.guests.create(spec);
  await client.waitForJob(created.jobId);
  const { id } = created.body;
  t.like(await client.guests.get(id), { type: 'container', state: 'running', image: IMAGE, memory: 32 });
  for (const [action, state] of [
    ['suspend', 'paused'],
    ['resume', 'running'],
    ['poweroff', 'stopped'],
    ['start', 'running'],
  ] as const) {
    await perform(agent, id, action);
    t.is((await client.guests.get(id)).state, state, action);
  }
  t.true((await client.guests.cpuMetrics(id)).length > 0);
  t.is(typeof (await client.guests.diskMetrics(id)), 'object');
  t.deepEqual(await client.guests.nicMetrics(id), {});
  await perform(agent, id, 'delete');
  t.deepEqual((await client.guests.list()).items, []);
});

for (const [action, state] of [
  ['poweroff', 'stopped'],
  ['delete', undefined],
] as const)
  test(`${action} ends a shutdown that would wait for 300 s`, async (t) => {
    const shutdown = {
      stages: [{ service: 'container', method: 'MDocker.StopContainer', args: { timeout: '300' } }],
    };
    const agent = await startContainerAgent(t, (await shared.engine()).socket, {
      containerShutdown: shutdown,
    });
    const { client } = agent;
    const stubborn = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'];
    const { id: _, ...spec } = newGuest({ container: { command: stubborn } });
    const created = await client.guests.create(spec);
    await client.waitForJob(created.jobId);
    const { id } = created.body;
    const stopping = await client.guests.perform(id, 'shutdown');
    await until(
      'the shutdown runs',
      async () => (await client.jobs.get(stopping.jobId)).Status === 'Running',
    );
    const startedAt = Date.now();
    await perform(agent, id, action);
    t.true(Date.now() - startedAt < 60_000, `${Date.now() - startedAt} ms`);
    t.is((await client.jobs.get(stopping.jobId)).Status, 'Error');
    if (state) t.is((await client.guests.get(id)).state, state);
  });

test('the agent’s API changes a container, which runs on as the change says, and keeps it as it is when that fails', async (t) => {
  const agent = await startContainerAgent(t, (await shared.engine()).socket);
  const { client } = agent;
  const { id: _, ...spec } = newGuest({
    container: { command: 'sleep 600', secretEnv: { KEY: 'hunter2-hunter2' } },
  });
  const created = await client.guests.create(spec);
  await client.waitForJob(created.jobId);
  const { id } = created.body;
  const change = { memory: 48, container: { hostname: 'web-1' }, restart: { policy: 'always' as const } };
  await client.waitForJob((await client.guests.update(id, change)).jobId);
  const changed = await client.guests.get(id);
  t.like(changed, { state: 'running', memory: 48, restart: { policy: 'always' } });
  t.deepEqual(changed.container, { command: 'sleep 600', hostname: 'web-1' });
  t.deepEqual(changed.hidden, ['container.secretEnv.KEY']);
  const exec = await client.guests.exec(id, {
    command: ['sh', '-c', 'echo $KEY; cat /proc/sys/kernel/hostname'],
  });
  t.is(exec.stdout, 'hunter2-hunter2\nweb-1\n');
  const failing = await client.guests.update(id, { container: { command: ['/none'] } });
  await t.throwsAsync(client.waitForJob(failing.jobId), { message: /\/none/ });
  t.deepEqual(await client.guests.get(id).then(({ state, container }) => ({ state, container })), {
    state: 'running',
    container: { command: 'sleep 600', hostname: 'web-1' },
  });
});

test('the agent notices a container that exits by itself', async (t) => {
  const agent = await startContainerAgent(t, (await shared.engine()).socket);
  const { client } = agent;
  const { id: _, ...spec } = newGuest({ container: { command: 'sleep 0.5' } });
  const created = await client.guests.create(spec);
  await client.waitForJob(created.jobId);
  await until(
    'the guest is stopped',
    async () => (await client.guests.get(created.body.id)).state === 'stopped',
  );
  t.pass();
});

test('the agent’s API fetches, lists and deletes a container’s image', async (t) => {
  const engine = await shared.engine();
  const agent = await startContainerAgent(t, engine.socket);
  const { client } = agent;
  const path = join(await tempDir(t), 'image.tar');
  await engine.save(path, 'docker-archive', IMAGE);
  const archive = await readFile(path);
  const source = await serveHttp(t, (_, response) => response.end(archive));
  const fetched = await client.images.fetch({ id: 'from-agent', type: 'container', source });
  await client.waitForJob(fetched.jobId);
  t.true((await images(agent, 'container')).includes('from-agent'));
  const deleted = await client.images.delete('from-agent');
  await client.waitForJob(deleted.jobId);
  t.false((await images(agent)).includes('from-agent'));
});

test('lists disk images without a container engine', async (t) => {
  const agent = await startContainerAgent(t, join(await tempDir(t), 'none.sock'));
  t.deepEqual(await images(agent), []);
  t.deepEqual(await images(agent, 'container'), []);
  const { id: _, ...spec } = newGuest();
  const created = await agent.client.guests.create(spec);
  await t.throwsAsync(agent.client.waitForJob(created.jobId), {
    message: /no container engine at/,
  });
});

test('a host without a container engine is ready, and its status says why containers cannot run', async (t) => {
  const socket = join(await tempDir(t), 'none.sock');
  const { client } = await startContainerAgent(t, socket);
  const problems = [`no container engine at ${socket}: containers cannot run`];
  await until('the service says so', async () =>
    isDeepStrictEqual((await client.services()).find(({ name }) => name === 'container')?.problems, problems),
  );
  t.like(
    (await client.services()).find(({ name }) => name === 'container'),
    { up: true },
  );
  await t.notThrowsAsync(client.requireReady());
});
