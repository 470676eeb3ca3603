import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestSpec, MistifyClient } from '../../../lib/client/index.js';
import { needs } from '../../helpers/needs.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G49, G50, G51.

const test = needs('qemu-system-x86_64', 'qemu-img');

const LAST = { autostart: { policy: 'last' } } as const;
const TIMEOUT_MS = 300_000;

/** Creates a guest with a blank disk. Its firmware finds nothing to boot and waits, so the guest stays alive. */
const create = async (client: MistifyClient, spec: GuestSpec = {}): Promise<string> => {
  const { jobId, body } = await client.guests.create({ memory: 64, cpu: 1, disks: [{ size: 1 }], ...spec });
  await client.waitForJob(jobId);
  return body.id;
};

const powerOff = async (client: MistifyClient, id: string): Promise<void> => {
  await client.waitForJob((await client.guests.perform(id, 'poweroff')).jobId);
};

const isUp = ({ client }: RealAgent): Promise<unknown> =>
  until('all guests are back', async () => (await client.host.get()).phase === 'up', TIMEOUT_MS);

const isRunning = ({ client }: RealAgent, id: string): Promise<unknown> =>
  until(`guest ${id} runs`, async () => (await client.guests.get(id)).state === 'running', TIMEOUT_MS);

const statesOf = async ({ client }: RealAgent, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await client.guests.get(id)).state === 'running'));

const pidOf = async ({ dbpath }: RealAgent, id: string): Promise<number> =>
  Number(await readFile(join(dbpath, 'run', id, 'pid'), 'utf8'));

test('real guests are where their policies say after the host died, and after it went down in order', async (t) => {
  t.timeout(TIMEOUT_MS);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const ids = [
    await create(client, { autostart: { policy: 'last', order: 1 } }),
    await create(client, LAST),
    await create(client, { autostart: { policy: 'always', order: 2, delay: 1 } }),
    await create(client),
    await create(client, { restart: { policy: 'on-failure' } }),
  ];
  const [first = '', off = '', always = ''] = ids;
  await powerOff(client, off);
  await powerOff(client, always);

  await agent.loseHost();
  await agent.start();
  await isUp(agent);
  const expected = [true, false, true, false, false];
  t.deepEqual(await statesOf(agent, ids), expected);
  const starts = (await client.jobs.list()).items.filter(({ Cause }) => Cause === 'autostart').reverse();
  t.deepEqual(
    starts.map(({ GuestID, Status }) => [GuestID, Status]),
    [
      [first, 'Complete'],
      [always, 'Complete'],
    ],
  );

  // Firmware without a system does not react to the power button.
  const down = await client.host.down({ timeout: 1, force: true, wait: 120 });
  t.deepEqual(down, { phase: 'down', waiting: [] });
  t.is((await client.guests.get(first)).state, 'shutoff');
  await agent.loseHost();
  await agent.start();
  await isUp(agent);
  t.deepEqual(await statesOf(agent, ids), expected);
});

test('resumes a real guest after the boot that was saved when the host went down', async (t) => {
  t.timeout(TIMEOUT_MS);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await create(client, LAST);
  t.deepEqual(await client.host.down({ save: true, wait: 120 }), { phase: 'down', waiting: [] });
  t.like(await client.guests.get(id), { state: 'shutoff', reason: 'saved', intent: { power: 'on' } });
  const memory = join(agent.dbpath, 'qemu', 'guests', id, 'memory');
  t.true(existsSync(memory));
  await agent.loseHost();
  await agent.start();
  await isUp(agent);
  t.is((await client.guests.get(id)).state, 'running');
  t.false(existsSync(memory));
});

test('a real guest that is killed is started again, also by an agent that was killed meanwhile', async (t) => {
  t.timeout(TIMEOUT_MS);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const id = await create(client, { restart: { policy: 'on-failure' } });
  const pid = await pidOf(agent, id);
  process.kill(pid, 'SIGKILL');
  await until(
    'it has another QEMU',
    async () => (await pidOf(agent, id).catch(() => pid)) !== pid,
    TIMEOUT_MS,
  );
  await isRunning(agent, id);
  t.is((await client.guests.get(id)).restarts?.times.length, 1);

  process.kill(await pidOf(agent, id), 'SIGKILL');
  await agent.end('SIGKILL');
  await agent.start();
  await isRunning(agent, id);
  t.is((await client.guests.get(id)).restarts?.times.length, 2);

  process.kill(await pidOf(agent, id), 'SIGTERM');
  await until('it waits', async () => (await client.guests.get(id)).restarts?.next, TIMEOUT_MS);
  await powerOff(client, id);
  const { state, intent, restarts } = await client.guests.get(id);
  t.deepEqual(
    { state, intent, restarts },
    { state: 'shutoff', intent: { power: 'off' }, restarts: undefined },
  );
});

test('an agent that is killed in the middle of an autostart brings the rest back', async (t) => {
  t.timeout(TIMEOUT_MS);
  const agent = await startRealAgent(t);
  const { client } = agent;
  const ids: string[] = [];
  for (let order = 0; order < 3; order += 1)
    ids.push(await create(client, { autostart: { policy: 'last', order } }));
  await agent.loseHost();
  await agent.start();
  await until('the first start was queued', async () =>
    (await client.jobs.list()).items.some(({ Cause }) => Cause),
  );
  await agent.end('SIGKILL');
  await agent.start();
  await isUp(agent);
  t.deepEqual(await statesOf(agent, ids), [true, true, true]);
});
