import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ConfigFile } from '../../../lib/config/schema.js';
import { needs } from '../../helpers/needs.js';
import { isAlive, waitUntilGone } from '../../helpers/program.js';
import { TINY } from '../../helpers/qemu.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G47.

const test = needs('qemu-system-x86_64', 'qemu-img', 'setpriv', 'root');

const LIMIT_S = 10;

const withLimit = (config: ConfigFile): ConfigFile => ({
  ...config,
  services: Object.fromEntries(
    Object.entries(config.services).map(([name, service]) => [
      name,
      service.command ? { ...service, health_timeout: LIMIT_S } : service,
    ]),
  ),
});

/** Reads the process ids with which a service was started, oldest first. */
const pidsOf = ({ output }: RealAgent, service: string): number[] =>
  output()
    .split('\n')
    .filter((line) => line.includes(`"service":"${service}"`) && line.includes('"service started"'))
    .map((line) => (JSON.parse(line) as { pid: number }).pid);

/** Stops the sub-agent's process, which is continued at the end in case the agent has not ended it. */
const hang = (t: ExecutionContext, pid: number): void => {
  process.kill(pid, 'SIGSTOP');
  t.teardown(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGCONT');
  });
};

/** Collects the events of services from now on. */
const follow = (t: ExecutionContext, { client }: RealAgent): unknown[] => {
  const events: unknown[] = [];
  const controller = new AbortController();
  const read = async (): Promise<void> => {
    for await (const { data } of client.events({ kind: 'service', signal: controller.signal }))
      events.push(data);
  };
  const reading = read().catch(() => {});
  t.teardown(async () => {
    controller.abort();
    await reading;
  });
  return events;
};

const isDown = (event: unknown, reason: string): boolean =>
  JSON.stringify(event).includes(JSON.stringify(reason)) && JSON.stringify(event).includes('"change":"down"');

const text = async ({ url }: RealAgent, path: string): Promise<string> =>
  (await fetch(`${url}${path}`)).text();

test('replaces a qemu sub-agent that hangs, while its guest runs and its job ends in Error', async (t) => {
  const agent = await startRealAgent(t, withLimit);
  const { client } = agent;
  const created = await client.guests.create(TINY);
  await client.waitForJob(created.jobId);
  const { id } = created.body;
  const qemu = Number(await readFile(join(agent.dbpath, 'run', id, 'pid'), 'utf8'));
  // The guest has no system that could shut down, so the job waits.
  const { jobId } = await client.guests.perform(id, 'shutdown');
  await until('the job runs', async () => (await client.jobs.get(jobId)).Status === 'Running');
  const [pid = 0] = pidsOf(agent, 'qemu');
  const events = follow(t, agent);
  hang(t, pid);
  const reason = `it did not answer its health call for ${LIMIT_S} s, so the agent ended it`;
  // It responds again within a second, so that a look at /readyz can come too late.
  await until('an event reports it', () => events.some((event) => isDown(event, reason)), 60_000);
  await waitUntilGone(pid);
  const job = await until('the job ends', async () => {
    const found = await client.jobs.get(jobId);
    return found.Status === 'Error' ? found : undefined;
  });
  t.regex(job.Message, /qemu: cannot be reached on .*qemu\.sock/);
  await until('it responds again', async () => (await client.guests.get(id)).state === 'running', 60_000);
  t.is(pidsOf(agent, 'qemu').length, 2);
  t.true(existsSync(`/proc/${qemu}/exe`));
  t.is(Number(await readFile(join(agent.dbpath, 'run', id, 'pid'), 'utf8')), qemu);
  t.like(JSON.parse(await text(agent, '/readyz')), { status: 'ok', problems: { qemu: [reason] } });
  const metrics = await text(agent, '/metrics');
  t.true(metrics.includes('mistify_service_restarts_total{service="qemu",cause="hung"} 1'));
  // It shares the process.
  t.true(metrics.includes('mistify_service_restarts_total{service="storage",cause="hung"} 1'));
  await client.waitForJob((await client.guests.perform(id, 'poweroff')).jobId);
  t.is((await client.guests.get(id)).state, 'shutoff');
});
