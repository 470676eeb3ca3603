import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { callApi } from '../../helpers/api.js';
import { isAlive, startedPids, startWithTestService, waitUntilGone } from '../../helpers/program.js';
import { until } from '../../helpers/wait.js';

// One after the other: each start takes a second of a core.
test.serial('starts the sub-agent of its config, serves the API, and prints what to type next', async (t) => {
  const agent = await startWithTestService(t);
  const { status, body, jobId } = await callApi(agent.url, 'POST', '/guests', { memory: 64 });
  t.is(status, 202);
  const { id } = body as { id: string };
  await agent.client.waitForJob(jobId ?? '');
  t.like((await callApi(agent.url, 'GET', `/guests/${id}`)).body, { id, state: 'running' });
  const metrics = await callApi(agent.url, 'GET', `/guests/${id}/metrics/cpu`);
  t.like(metrics.body, [{ cpu_time: 12.5 }]);
  t.true(agent.output().includes(`listens on ${agent.url}`));
  t.true(agent.output().includes(`curl ${agent.url}/guests`));
});

test.serial('restarts a sub-agent that was killed', async (t) => {
  const agent = await startWithTestService(t);
  const [first = 0] = startedPids(agent);
  process.kill(first, 'SIGKILL');
  await until('the sub-agent has restarted', () => startedPids(agent).length === 2);
  await until(
    'the sub-agent responds',
    async () => (await callApi(agent.url, 'GET', '/images')).status === 200,
  );
  t.false(isAlive(first));
});

test.serial('SIGTERM stops the agent and its sub-agents, even while a client is connected', async (t) => {
  const agent = await startWithTestService(t);
  const socket = connect(Number(new URL(agent.url).port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  await callApi(agent.url, 'GET', '/guests');
  const startedAt = Date.now();
  await agent.end('SIGTERM');
  t.true(Date.now() - startedAt < 8000, `${Date.now() - startedAt} ms`);
  for (const pid of startedPids(agent)) t.false(isAlive(pid));
  t.false(agent.output().includes('service exited'));
  socket.destroy();
});

test.serial(
  'SIGKILL also ends the sub-agents, and a restart restores guests, metadata and jobs',
  async (t) => {
    const agent = await startWithTestService(t);
    const { jobId } = await callApi(agent.url, 'POST', '/guests', { metadata: { 'a.b': '1', $c: '2' } });
    await agent.client.waitForJob(jobId ?? '');
    await callApi(agent.url, 'PATCH', '/metadata', { rack: 'r1' });
    const paths = ['/guests', '/metadata', '/jobs'];
    const ask = () => Promise.all(paths.map(async (path) => (await callApi(agent.url, 'GET', path)).body));
    const before = await ask();
    const [pid = 0] = startedPids(agent);
    await agent.end('SIGKILL');
    await waitUntilGone(pid);
    await agent.start();
    t.deepEqual(await ask(), before);
    const again = await callApi(agent.url, 'POST', '/guests', {});
    t.is(again.status, 202);
  },
);
