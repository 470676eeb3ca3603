import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { GuestStates } from '../../lib/rpc/server/guest-states.js';
import { Firmware } from '../../lib/subagents/qemu/firmware/firmware.js';
import { Capacity } from '../../lib/subagents/qemu/guests/capacity.js';
import { Guests } from '../../lib/subagents/qemu/guests/guests.js';
import { loadRecords, saveRecord } from '../../lib/subagents/qemu/guests/records.js';
import { makeRunDir, recordPid } from '../../lib/subagents/qemu/guests/run-dir.js';
import { createLayout, type GuestPaths } from '../../lib/subagents/qemu/layout.js';
import { QemuProgram } from '../../lib/subagents/qemu/machine/program.js';
import type { UidPool } from '../../lib/subagents/qemu/process/uids.js';
import { SharedRam } from '../../lib/subagents/qemu/warm/shared-ram.js';
import { Space } from '../../lib/subagents/shared/disk/space.js';
import { GuestClaims } from '../../lib/subagents/shared/host/guest-claims.js';
import { HostRegistry } from '../../lib/subagents/shared/host/registry.js';
import { createNetworks } from '../../lib/subagents/shared/network/networks.js';
import { type QmpCommand, send, serveQmp } from './qmp-server.js';
import { GUEST_ID, silentLog } from './sub-agents.js';
import { switchPorts } from './switch-ports.js';
import { tempDir } from './temp.js';

/** Computes the result of each QMP command, and may send events first. Other commands fail. */
export type FakeResults = Record<string, (socket: Socket, args: Record<string, unknown>) => unknown>;

const HEALTHY: FakeResults = {
  'query-vnc': () => ({ service: '5900' }),
  'query-status': () => ({ status: 'running' }),
};

/** Sets up the guests of a host where no QEMU is installed. */
export const hostWithoutQemu = async (t: ExecutionContext, uids?: UidPool): Promise<Guests> => {
  const dir = await tempDir(t);
  const networks = createNetworks(undefined, []);
  const registry = await HostRegistry.open(join(dir, 'host'), 'qemu', join(dir, 'qemu'));
  t.teardown(() => registry.close());
  const capacity = new Capacity({});
  const host = {
    layout: createLayout({ dir: join(dir, 'qemu'), runDir: join(dir, 'run') }),
    capacity,
    program: new QemuProgram('/nonexistent/qemu', 'tcg'),
    networks,
    ports: switchPorts(networks, dir),
    uids,
    claims: new GuestClaims(registry),
    firmware: new Firmware(silentLog, []),
    sharedRam: new SharedRam(capacity),
    space: new Space(dir),
  };
  const guests = new Guests(host, new GuestStates(), silentLog);
  t.teardown(() => guests.close());
  return guests;
};

/** The definition of the guest `GUEST_ID`. */
export const DEFINITION = { id: GUEST_ID, memory: 32, cpu: 1, nics: [], disks: [] };

/** Sets up the running guest `GUEST_ID` with an idle process and a QMP server that returns the test's results. */
export const fakeQemu = async (
  t: ExecutionContext,
  results: FakeResults = {},
): Promise<{ guests: Guests; paths: GuestPaths; process: ChildProcess }> => {
  const guests = await hostWithoutQemu(t);
  const paths = guests.host.layout.paths(GUEST_ID);
  await saveRecord(paths, { definition: DEFINITION, crashed: false });
  await makeRunDir(paths);
  const child = spawn('sleep', ['3600'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  await recordPid(paths, child.pid ?? 0);
  const all: FakeResults = { ...HEALTHY, ...results };
  const respond = ({ execute, arguments: args = {} }: QmpCommand, socket: Socket): object => {
    const result = all[execute];
    return result
      ? { return: result(socket, args) }
      : { error: { class: 'CommandNotFound', desc: 'this QEMU is a fake' } };
  };
  const sockets = new Set<Socket>();
  child.once('exit', () => {
    for (const socket of sockets) socket.destroy();
  });
  await serveQmp(
    t,
    (command, socket) => {
      sockets.add(socket);
      send(socket, { ...respond(command, socket), id: command.id });
    },
    { path: paths.qmp },
  );
  await guests.recover(await loadRecords(guests.host.layout, silentLog));
  return { guests, paths, process: child };
};
