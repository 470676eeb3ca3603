import { rename } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { newGuest } from '../../helpers/containers.js';
import { startEngine, needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import type { TestEngine } from '../../helpers/engines/engine.js';
import type { RealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';

/** So long after the engine is back, all states are true. */
const TRUE_WITHIN_MS = 5000;

const start = async (t: ExecutionContext): Promise<{ engine: TestEngine; agent: RealAgent }> => {
  const engine = await startEngine();
  t.teardown(() => engine.stop());
  return { engine, agent: await startContainerAgent(t, engine.socket) };
};

const create = async ({ client }: RealAgent) => {
  const { id: _, ...spec } = newGuest({
    container: { command: ['sh', '-c', 'echo started; exec sleep 600'] },
  });
  return client.guests.create(spec);
};

const createRunning = async (agent: RealAgent): Promise<string> => {
  const { jobId, body } = await create(agent);
  await agent.client.waitForJob(jobId);
  return body.id;
};

/** What the engine says of a guest's container. */
const truth = async (engine: TestEngine, id: string): Promise<string> => {
  const format = '{{.State.Status}} {{.State.Pid}}';
  const said = await engine
    .run('inspect', '--type', 'container', '--format', format, containerName(id))
    .catch(() => '');
  if (said === '') return 'deleted';
  return said.startsWith('running') ? 'running' : 'stopped';
};

const timesStarted = async (engine: TestEngine, id: string): Promise<number> =>
  (await engine.run('logs', containerName(id))).split('\n').filter((line) => line === 'started').length;

const pidOf = async (engine: TestEngine, id: string): Promise<number> =>
  Number(await engine.run('inspect', '--format', '{{.State.Pid}}', containerName(id)));

/** Starts the service again, and once more if it does not start: dockerd may find the remains of its containerd. */
const serveAgain = (engine: TestEngine): Promise<void> => engine.serve().catch(() => engine.serve());

test('an engine that is killed and restarted under load: states are true soon, and nothing starts twice', async (t) => {
  const { engine, agent } = await start(t);
  const { client } = agent;
  const [kept = '', killed = '', removed = ''] = await Promise.all([1, 2, 3].map(() => createRunning(agent)));
  const pid = await pidOf(engine, killed);
  const load = await Promise.all(Array.from({ length: 6 }, () => create(agent)));
  await delay(150);
  await engine.stopService('SIGKILL');
  process.kill(pid, 'SIGKILL');
  const isUnknown = async (): Promise<boolean> => (await client.guests.get(kept)).state === 'unknown';
  await until('its guests are unknown', isUnknown);
  await serveAgain(engine);
  const back = performance.now();
  const known = async (): Promise<boolean> =>
    (await client.guests.get(kept)).state === 'running' &&
    (await client.guests.get(killed)).state === 'stopped';
  await until('its guests are known', known);
  const took = performance.now() - back;
  t.true(took < TRUE_WITHIN_MS, `${took} ms`);

  await Promise.all(load.map(({ jobId }) => client.waitForJob(jobId).catch(() => undefined)));
  for (const id of [kept, removed, ...load.map(({ body }) => body.id)]) {
    const { state } = await client.guests.get(id);
    const really = await truth(engine, id);
    // A create that the engine's end broke off has failed.
    if (state !== 'error') t.is(state, really, id);
    if (really !== 'deleted') t.true((await timesStarted(engine, id)) <= 1, `${id} has started once`);
  }
  t.is(await timesStarted(engine, kept), 1);
  t.is(await timesStarted(engine, killed), 1);

  // Behind the agent's back.
  await engine.run('rm', '--force', containerName(removed));
  const gone = performance.now();
  await until('it is deleted', async () => (await client.guests.get(removed)).state === 'deleted');
  t.true(performance.now() - gone < TRUE_WITHIN_MS);
});

test('an engine whose socket is gone for a while: states are true soon, and nothing starts twice', async (t) => {
  const { engine, agent } = await start(t);
  const { client } = agent;
  const [kept = '', stopped = ''] = await Promise.all([1, 2].map(() => createRunning(agent)));
  const away = `${engine.socket}.away`;
  await rename(engine.socket, away);
  // Connections that are still open work, new ones do not.
  const jobs = [await client.guests.perform(stopped, 'poweroff'), await create(agent), await create(agent)];
  await Promise.all(jobs.map(({ jobId }) => client.waitForJob(jobId).catch(() => undefined)));
  await delay(3000);
  await rename(away, engine.socket);
  const back = performance.now();
  const ids = [kept, ...jobs.map(({ body }) => body.id)];
  const isTrue = async (id: string): Promise<boolean> => {
    const { state } = await client.guests.get(id);
    return state === 'error' || state === (await truth(engine, id));
  };
  await until('all states are true', async () => (await Promise.all(ids.map(isTrue))).every(Boolean));
  const took = performance.now() - back;
  t.true(took < TRUE_WITHIN_MS, `${took} ms`);
  t.is((await client.guests.get(kept)).state, 'running');
  for (const id of ids)
    if ((await truth(engine, id)) !== 'deleted') t.true((await timesStarted(engine, id)) <= 1, id);
  const off = await client.guests.perform(kept, 'poweroff');
  await client.waitForJob(off.jobId);
  t.is((await client.guests.get(kept)).state, 'stopped');
});
