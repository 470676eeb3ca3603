import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Secrets } from '../../../../lib/agent/sub-agents/secrets.js';
import { superviseServices } from '../../../../lib/agent/sub-agents/supervisor.js';
import { servicesDir } from '../../../../lib/config/load.js';
import { createLogger } from '../../../../lib/log.js';
import { isListening } from '../../../../lib/rpc/protocol/service-address.js';
import { childrenOf } from '../../../helpers/processes.js';
import { isAlive, waitUntilGone } from '../../../helpers/program.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

// Guarantees: G47.

const LOG = createLogger('test', 'silent');

/** Supervises container sub-agents without an engine, which share a process. */
const superviseShared = async (t: ExecutionContext, options: Record<string, string[]>) => {
  const dbpath = await tempDir(t);
  await mkdir(servicesDir(dbpath), { recursive: true });
  const socketOf = (name: string): string => join(servicesDir(dbpath), `${name}.sock`);
  const services = Object.entries(options).map(([name, more]) => {
    const dirs = ['--host-dir', join(dbpath, 'host'), '--engine', join(dbpath, 'no-engine')];
    const command = ['mistify-container', ...dirs, ...more];
    return [name, { socket: socketOf(name), path: '/', max_pending: 1, process: 'one', command }] as const;
  });
  const config = {
    services: new Map(services),
    ...{
      actions: new Map(),
      server: {},
      events: {},
      guests: {},
      quota: {},
      schedules: {},
      catalogue: { sources: new Map() },
      fleet: {},
    },
    ...{ dbpath, warnings: [], privateAddresses: [] },
  };
  const before = new Set(await childrenOf(process.pid));
  const supervisor = superviseServices(config, await Secrets.load(config.services), LOG);
  t.teardown(() => supervisor.stop());
  return {
    ...{ supervisor, dbpath },
    untilItListens: (name: string) =>
      until(`${name} listens`, () => isListening({ socket: socketOf(name) }), 60_000),
    pids: async () => (await childrenOf(process.pid)).filter((pid) => !before.has(pid)),
  };
};

test.serial('runs the services of one process in one, each with its own socket and state', async (t) => {
  const { supervisor, untilItListens, pids, dbpath } = await superviseShared(t, { a: [], b: [] });
  for (const name of ['a', 'b']) await untilItListens(name);
  const [pid = 0, ...others] = await pids();
  t.deepEqual(others, []);
  for (const name of ['a', 'b']) t.true(existsSync(join(dbpath, name, 'import')));
  await supervisor.stop();
  t.false(isAlive(pid));
});

test.serial('gives each service a process of its own when one of them cannot be started', async (t) => {
  const { supervisor, untilItListens, pids, dbpath } = await superviseShared(t, {
    a: [],
    b: ['--pids-limit', 'many'],
  });
  await untilItListens('a');
  const socket = join(servicesDir(dbpath), 'b.sock');
  const reason = await until('the reason of the other one is known', () => {
    const found = supervisor.exits.reason({ socket });
    return found?.includes('pids-limit') && (supervisor.restarts.get('b')?.exited ?? 0) > 1 ? found : false;
  });
  t.regex(String(reason), /^it exited with code 1: .*--pids-limit/);
  t.is(supervisor.restarts.get('a')?.exited, 1);
  t.true((await pids()).length >= 1);
});

test.serial('starts all of them again when their process is killed', async (t) => {
  const { supervisor, untilItListens, pids } = await superviseShared(t, { a: [], b: [] });
  for (const name of ['a', 'b']) await untilItListens(name);
  const [pid = 0] = await pids();
  process.kill(pid, 'SIGKILL');
  await waitUntilGone(pid);
  for (const name of ['a', 'b']) {
    await untilItListens(name);
    t.is(supervisor.restarts.get(name)?.exited, 1);
  }
});
