import { readFile, rename } from 'node:fs/promises';
import { QmpClient } from '../../../lib/qmp/client.js';
import type { GuestRecord } from '../../../lib/subagents/qemu/guests/records.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY, until } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

const isRebooting = async (host: QemuHost, id: string): Promise<boolean> =>
  (JSON.parse(await readFile(host.stateFile(id, 'guest.json'), 'utf8')) as GuestRecord).rebooting ?? false;

/** Begins a reboot of a guest that does not hear it; answers how that ends. */
const beginReboot = async (
  host: QemuHost,
  id: string,
  signal?: AbortSignal,
): Promise<{ reboot: Promise<unknown> }> => {
  const reboot = host.call('Reboot', { id }, { timeout: '60' }, signal);
  reboot.catch(() => undefined);
  await until(() => isRebooting(host, id), 'the reboot is noted');
  return { reboot };
};

/** What a guest does that shuts itself down at last. */
const end = async (host: QemuHost, id: string): Promise<void> => {
  const monitor = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  await monitor.execute('quit');
  monitor.close();
};

const runsAgain = (host: QemuHost, id: string, pid: number): Promise<void> =>
  until(async () => (await host.state(id)) === 'running' && (await host.pid(id)) !== pid, 'it runs again');

test('a guest that ends after the caller of its reboot went away is started again', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pid = await host.pid(id);
  const caller = new AbortController();
  await beginReboot(host, id, caller.signal);
  caller.abort();
  await end(host, id);
  await runsAgain(host, id, pid);
  t.false(await isRebooting(host, id));
});

test('a reboot that the end of the sub-agent cut off is finished by the next one', async (t) => {
  const host = await QemuHost.start(t);
  const [ended, ending] = [host.newId(), host.newId()];
  const pids: number[] = [];
  const caller = new AbortController();
  for (const id of [ended, ending]) {
    await host.call('Create', { id, ...TINY });
    pids.push(await host.pid(id));
    await beginReboot(host, id, caller.signal);
  }
  caller.abort();
  await host.stop();
  await end(host, ended);
  await host.begin();
  await end(host, ending);
  for (const [n, id] of [ended, ending].entries()) await runsAgain(host, id, pids[n] ?? 0);
  t.pass();
});

test('a reboot whose start failed can be asked for again', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  await host.call('Create', { id, ...TINY, disks: [{ source }] });
  const { reboot } = await beginReboot(host, id);
  await rename(source, `${source}.away`);
  await end(host, id);
  await t.throwsAsync(reboot, { message: /is not there/ });
  await rename(`${source}.away`, source);
  t.is((await host.call('Reboot', { id })).guest.state, 'running');
});

test('a guest that was told to be off meanwhile is not started by the next sub-agent', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const { reboot } = await beginReboot(host, id);
  await host.call('Poweroff', { id });
  await t.throwsAsync(reboot, { message: /told otherwise meanwhile/ });
  t.false(await isRebooting(host, id));
  await host.stop();
  await host.begin();
  await t.throwsAsync(host.call('Reboot', { id }), { message: /is shutoff: start it instead/ });
});

test('a guest that is to shut down stays off, though its reboot was begun before', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const { reboot } = await beginReboot(host, id);
  const shutdown = host.call('Shutdown', { id }, { timeout: '60' });
  await until(async () => !(await isRebooting(host, id)), 'the reboot is forgotten');
  await end(host, id);
  t.is((await shutdown).guest.state, 'shutoff');
  await t.throwsAsync(reboot, { message: /told otherwise meanwhile/ });
  t.is(await host.state(id), 'shutoff');
});

test('a reset ends the reboot that waits for the guest', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  await host.call('Reboot', { id }, { timeout: '1' });
  t.false(await isRebooting(host, id));
});

test('a guest that is suspended while its reboot waits stays suspended', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const { reboot } = await beginReboot(host, id);
  await host.call('Suspend', { id });
  await t.throwsAsync(reboot, { message: /told otherwise meanwhile/ });
  t.is(await host.state(id), 'paused');
  t.false(await isRebooting(host, id));
});
