import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { GuestStates } from '../../lib/rpc/guest-states.js';
import { Guests } from '../../lib/subagents/qemu/guests.js';
import { createLayout, type GuestPaths } from '../../lib/subagents/qemu/layout.js';
import { createNetworks } from '../../lib/subagents/qemu/network/networks.js';
import { QemuProgram } from '../../lib/subagents/qemu/program.js';
import { saveRecord } from '../../lib/subagents/qemu/records.js';
import { makeRunDir, notePid } from '../../lib/subagents/qemu/run-dir.js';
import { send, serveQmp } from './qmp-server.js';
import { GUEST_ID, silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';

/** What is returned for each command, perhaps after other things were sent; all else is refused. */
export type PlayedAnswers = Record<string, (socket: Socket) => unknown>;

const HEALTHY: PlayedAnswers = {
  'query-vnc': () => ({ service: '5900' }),
  'query-status': () => ({ status: 'running' }),
};

/**
 * The running guest `GUEST_ID`, found again by a sub-agent's half that knows of QEMU. Its process does nothing, and
 * what its monitor says is up to the test. No further QEMU can be started.
 */
export const playQemu = async (
  t: ExecutionContext,
  answers: PlayedAnswers,
): Promise<{ guests: Guests; paths: GuestPaths; process: ChildProcess }> => {
  const dir = await tempDir(t);
  const layout = createLayout({ dir: join(dir, 'qemu'), runDir: join(dir, 'run') });
  const paths = layout.paths(GUEST_ID);
  const definition = { id: GUEST_ID, memory: 32, cpu: 1, nics: [], disks: [] };
  await saveRecord(paths, { definition, crashed: false });
  await makeRunDir(paths);
  const child = spawn('sleep', ['3600'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  await notePid(paths, child.pid ?? 0);
  const all: PlayedAnswers = { ...HEALTHY, ...answers };
  const answer = (execute: string, socket: Socket): object => {
    const play = all[execute];
    return play
      ? { return: play(socket) }
      : { error: { class: 'CommandNotFound', desc: 'it is only played' } };
  };
  await serveQmp(t, ({ execute, id }, socket) => send(socket, { ...answer(execute, socket), id }), {
    path: paths.qmp,
  });
  const guests = new Guests(
    {
      layout,
      program: new QemuProgram('/nonexistent/qemu'),
      accel: 'tcg',
      networks: createNetworks(undefined, []),
      uids: undefined,
    },
    new GuestStates(),
    silentLog,
  );
  t.teardown(() => guests.close());
  await guests.recover();
  return { guests, paths, process: child };
};
