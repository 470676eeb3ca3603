import type { ExecutionContext } from 'ava';
import type { ConfigFile } from '../../../lib/config/schema.js';
import type { Guest } from '../../../lib/model/guest.js';
import { containerName } from '../../../lib/subagents/container/definition.js';
import { startContainerAgent } from '../../helpers/container-agent.js';
import { newGuest } from '../../helpers/containers.js';
import { startEngine, needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import type { TestEngine } from '../../helpers/engines/engine.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';

interface Running {
  agent: RealAgent;
  engine: TestEngine;
  id: string;
  guest: () => Promise<Guest>;
  /** How often its program has started. */
  starts: () => Promise<number>;
  /** Kills its program. */
  kill: () => Promise<void>;
  /** Waits until its program runs, after that many starts. */
  started: (times: number) => Promise<void>;
}

/** Runs a container that comes back by itself, below an agent and an engine of its own. */
const run = async (t: ExecutionContext, policies: Partial<Guest>): Promise<Running> => {
  const engine = await startEngine();
  t.teardown(() => engine.stop());
  const agent = await startRealAgent(t, ({ services, ...config }: ConfigFile) => {
    const container = { ...services.container, command: ['mistify-container', '--engine', engine.socket] };
    return { ...config, services: { ...services, container } } as ConfigFile;
  });
  const { id: _, ...spec } = newGuest({
    container: { command: ['sh', '-c', 'echo started; exec sleep 600'] },
    ...policies,
  });
  const { jobId, body } = await agent.client.guests.create(spec);
  await agent.client.waitForJob(jobId);
  const { id } = body;
  const name = containerName(id);
  const guest = () => agent.client.guests.get(id);
  const starts = async () => (await engine.run('logs', name)).split('\n').filter(Boolean).length;
  const kill = async () => {
    process.kill(Number(await engine.run('inspect', '--format', '{{.State.Pid}}', name)), 'SIGKILL');
  };
  const started = (times: number) =>
    until(`it has started ${times} times`, async () => {
      const { state, restarts } = await guest();
      return (await starts()) === times && state === 'running' && restarts?.next === undefined;
    }).then(() => undefined);
  await started(1);
  return { agent, engine, id, guest, starts, kill, started };
};

test('a container that is to run always is started again, once, and not after a poweroff', async (t) => {
  const { agent, id, kill, started, starts, guest } = await run(t, { restart: { policy: 'always' } });
  await kill();
  await started(2);
  const { jobId } = await agent.client.guests.perform(id, 'poweroff');
  await agent.client.waitForJob(jobId);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  t.like(await guest(), { state: 'stopped', intent: { power: 'off' } });
  t.is(await starts(), 2);
});

test('a container whose program fails before its create has ended is started again', async (t) => {
  const engine = await startEngine();
  t.teardown(() => engine.stop());
  const { client } = await startContainerAgent(t, engine.socket);
  const container = { command: ['sh', '-c', 'exit 1'] };
  const { id: _, ...spec } = newGuest({ container, restart: { policy: 'on-failure' } });
  const { body, jobId } = await client.guests.create(spec);
  await client.waitForJob(jobId);
  await until('it is started again', async () => {
    const { restarts } = await client.guests.get(body.id);
    return (restarts?.times.length ?? 0) > 0;
  });
  t.pass();
});

test('the return of an engine starts nothing that still runs, and once what ended meanwhile', async (t) => {
  const { engine, kill, started, guest } = await run(t, { restart: { policy: 'always' } });
  await engine.stopService();
  await until('the guest is unknown', async () => (await guest()).state === 'unknown');
  await engine.serve();
  await until('the guest is known again', async () => (await guest()).state === 'running');
  await started(1);
  const pid = Number(
    await engine.run('inspect', '--format', '{{.State.Pid}}', containerName((await guest()).id)),
  );
  await engine.stopService();
  await until('the guest is unknown', async () => (await guest()).state === 'unknown');
  process.kill(pid, 'SIGKILL');
  await engine.serve();
  await started(2);
  await kill();
  await started(3);
  t.pass();
});
