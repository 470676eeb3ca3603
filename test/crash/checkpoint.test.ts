import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import Joi from 'joi';
import type { ConfigFile } from '../../lib/config/schema.js';
import { RPC_PATH } from '../../lib/rpc/protocol/calls.js';
import { SubAgent } from '../../lib/rpc/server/sub-agent.js';
import { finishJob } from '../helpers/agent-linux.js';
import { bootCounting } from '../helpers/counting-guest.js';
import { LINUX_PARTS } from '../helpers/linux-guest.js';
import { needs } from '../helpers/needs.js';
import { isAlive } from '../helpers/program.js';
import { type RealAgent, startRealAgent } from '../helpers/real-agent.js';
import { serve, silentLog } from '../helpers/sub-agents.js';
import { until } from '../helpers/wait.js';

const test = needs(...LINUX_PARTS, 'setpriv');

// Guarantees: G36, G42, G53.

type Victim = 'agent' | 'qemu' | 'storage' | 'guest';

/** Calls `act` between two stages of a snapshot with memory: before the stage of that number. */
const between = async (
  t: ExecutionContext,
  stage: number,
  act: () => Promise<void>,
): Promise<(config: ConfigFile) => ConfigFile> => {
  const subAgent = new SubAgent({ name: 'fault', log: silentLog });
  subAgent.method('Test.Fault', Joi.object().unknown(), async ({ guest }: { guest?: object }) => {
    await act();
    return { guest };
  });
  const port = await serve(t, subAgent);
  return ({ services, actions, ...config }) => {
    const { stages = [], ...rest } = actions.createCheckpoint ?? {};
    const fault = { service: 'fault', method: 'Test.Fault' };
    return {
      ...config,
      services: { ...services, fault: { port, path: RPC_PATH, max_pending: 4 } },
      actions: {
        ...actions,
        createCheckpoint: { ...rest, stages: [...stages.slice(0, stage), fault, ...stages.slice(stage)] },
      },
    };
  };
};

/** Reads the process id with which a service was started last. */
const pidOf = ({ output }: RealAgent, service: string): number =>
  output()
    .split('\n')
    .filter((line) => line.includes(`"service":"${service}"`) && line.includes('"service started"'))
    .map((line) => (JSON.parse(line) as { pid: number }).pid)
    .at(-1) ?? 0;

const kill = async (agent: RealAgent, victim: Victim, guest: string): Promise<void> => {
  if (victim === 'agent') return agent.end('SIGKILL');
  const pid =
    victim === 'guest'
      ? Number(await readFile(join(agent.dbpath, 'run', guest, 'pid'), 'utf8'))
      : pidOf(agent, victim);
  process.kill(pid, 'SIGKILL');
  await until(`${victim} is gone`, () => !isAlive(pid));
};

/** The stages before which a part is killed, or soon after. */
const COPYING = 1;
const MOMENTS = {
  'while its memory is copied': COPYING,
  'while the guest is halted': 2,
  'after its disks are captured': 3,
  'after it runs again': 4,
};

for (const [moment, stage] of Object.entries(MOMENTS))
  for (const victim of ['agent', 'qemu', 'storage', 'guest'] as const)
    test(`a snapshot with memory leaves nothing behind when the ${victim} is killed ${moment}`, async (t) => {
      let isArmed = true;
      let killed: Promise<void> | undefined;
      let id = '';
      const killOnce = async (): Promise<void> => {
        const draft = join(agent.dbpath, 'storage/checkpoints', id, '+new/memory+new');
        if (stage === COPYING) await until('its memory is being copied', () => existsSync(draft));
        await kill(agent, victim, id);
      };
      const change = await between(t, stage, async () => {
        if (!isArmed) return;
        isArmed = false;
        killed = killOnce();
        if (stage !== COPYING) await killed;
      });
      const agent = await startRealAgent(t, change);
      const { client, dbpath } = agent;
      const guest = await bootCounting(t, agent);
      ({ id } = guest);
      await guest.run('while sleep 1; do echo alive > /dev/console; done > /dev/null 2>&1 &');
      const snapshots = client.snapshotsOf(id);
      const { jobId } = await snapshots.create('one', { memory: true });
      if (victim === 'agent') {
        await until('the agent is being killed', () => killed !== undefined);
        await killed;
        await agent.start();
      }
      const ended = await client.waitForJob(jobId).catch((error: Error) => error.message);
      t.log(JSON.stringify(ended));
      const isTaken = typeof ended !== 'string';
      await until('all sub-agents are back', async () => (await client.services()).every(({ up }) => up));
      const listed = await snapshots.list();
      t.is(listed.items.length, isTaken ? 2 : 0);
      const checkpoints = join(dbpath, 'storage/checkpoints', id);
      const kept = existsSync(checkpoints) ? await readdir(checkpoints) : [];
      t.deepEqual(kept, isTaken ? ['@one'] : []);
      t.deepEqual(await readdir(join(dbpath, 'storage/journal')), []);
      const record = JSON.parse(await readFile(join(dbpath, 'qemu/guests', id, 'guest.json'), 'utf8'));
      t.is(record.saving, undefined);
      if (victim === 'guest') {
        await until('it has crashed', async () => (await client.guests.get(id)).state === 'crashed');
        return;
      }
      await until('the guest runs', async () => (await client.guests.get(id)).state === 'running');
      const before = (await guest.output()).split('alive').length;
      await until('it is alive', async () => (await guest.output()).split('alive').length > before);
      await finishJob(agent, snapshots.create('two', { memory: true }));
      await finishJob(agent, snapshots.rollBack('two', { poweroff: true }));
    });
