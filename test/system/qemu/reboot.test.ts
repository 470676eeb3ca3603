import { readFile, rename } from 'node:fs/promises';
import { QmpClient } from '../../../lib/qmp/client.js';
import type { GuestRecord } from '../../../lib/subagents/qemu/guests/records.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

const isRebooting = async (host: QemuHost, id: string): Promise<boolean> =>
  (JSON.parse(await readFile(host.stateFile(id, 'guest.json'), 'utf8')) as GuestRecord).rebooting ?? false;

/** Begins a reboot of a guest that ignores ACPI. Wraps the promise, so that awaiting this does not await the reboot. */
const beginReboot = async (
  host: QemuHost,
  id: string,
  signal?: AbortSignal,
): Promise<{ reboot: Promise<unknown> }> => {
  const reboot = host.call('Reboot', { id }, { timeout: '60' }, signal);
  reboot.catch(() => undefined);
  await until('the reboot is recorded', () => isRebooting(host, id));
  return { reboot };
};

/** Ends a guest as if it had shut itself down at last. */
const exit = async (host: QemuHost, id: string): Promise<void> => {
  const monitor = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  await monitor.execute('quit');
  monitor.close();
};

const waitForNewRun = (host: QemuHost, id: string, pid: number): Promise<boolean> =>
  until(
    'the guest runs in a new QEMU',
    async () => (await host.state(id)) === 'running' && (await host.pid(id)) !== pid,
  );

test('starts a rebooting guest again after the caller has gone away', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pid = await host.pid(id);
  const caller = new AbortController();
  await beginReboot(host, id, caller.signal);
  caller.abort();
  await exit(host, id);
  await waitForNewRun(host, id, pid);
  t.false(await isRebooting(host, id));
});

test('resumes reboots after a restart of the sub-agent', async (t) => {
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
  await exit(host, ended);
  await host.launch();
  await exit(host, ending);
  for (const [n, id] of [ended, ending].entries()) await waitForNewRun(host, id, pids[n] ?? 0);
  t.pass();
});

test('accepts another reboot after the first one failed to start the guest', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  await host.call('Create', { id, ...TINY, disks: [{ source }] });
  const { reboot } = await beginReboot(host, id);
  await rename(source, `${source}.away`);
  await exit(host, id);
  await t.throwsAsync(reboot, { message: /does not exist/ });
  await rename(`${source}.away`, source);
  t.is((await host.call('Reboot', { id })).guest.state, 'running');
});

test('forgets a reboot at poweroff, even across a restart of the sub-agent', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const { reboot } = await beginReboot(host, id);
  await host.call('Poweroff', { id });
  await t.throwsAsync(reboot, { message: /cancelled by a later command/ });
  t.false(await isRebooting(host, id));
  await host.stop();
  await host.launch();
  await t.throwsAsync(host.call('Reboot', { id }), { message: /is shutoff: start it instead/ });
});

test('leaves a guest off when it is shut down during its reboot', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const { reboot } = await beginReboot(host, id);
  const shutdown = host.call('Shutdown', { id }, { timeout: '60' });
  await until('the reboot is no longer recorded', async () => !(await isRebooting(host, id)));
  await exit(host, id);
  t.is((await shutdown).guest.state, 'shutoff');
  await t.throwsAsync(reboot, { message: /cancelled by a later command/ });
  t.is(await host.state(id), 'shutoff');
});

test('fails a reboot of a guest that does not shut down in time, and resets it only with force', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  let resets = 0;
  other.on('event', ({ event }) => {
    if (event === 'RESET') resets += 1;
  });
  await t.throwsAsync(host.call('Reboot', { id }, { timeout: '1' }), {
    message: /did not shut itself down within 1 s .*listens.*timeout=SECONDS.*force=true/,
  });
  t.false(await isRebooting(host, id));
  await other.execute('query-status');
  t.is(resets, 0);
  const { guest, message } = await host.call('Reboot', { id }, { timeout: '1', force: 'true' });
  t.is(guest.state, 'running');
  t.regex(message ?? '', /^reset \(force\): .*did not shut itself down within 1 s/);
  await other.execute('query-status');
  t.true(resets > 0);
  other.close();
});

test('resumes a reboot with its own timeout after a restart of the sub-agent, and does not reset the guest', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pid = await host.pid(id);
  const caller = new AbortController();
  const reboot = host.call('Reboot', { id }, { timeout: '5' }, caller.signal);
  reboot.catch(() => undefined);
  await until('the reboot is recorded', () => isRebooting(host, id));
  caller.abort();
  await host.stop();
  await host.launch();
  t.true(await isRebooting(host, id));
  await until('the reboot has failed', async () => !(await isRebooting(host, id)), 20_000);
  t.is(await host.pid(id), pid);
  t.is(await host.state(id), 'running');
});

test('reboots a paused guest only with force', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  await host.call('Suspend', { id });
  await t.throwsAsync(host.call('Reboot', { id }), {
    message: /is paused: .*resume it first, or force it \(force=true, --force\)/,
  });
  t.is(await host.state(id), 'paused');
  const { guest, message } = await host.call('Reboot', { id }, { force: 'true' });
  t.is(guest.state, 'running');
  t.regex(message ?? '', /^reset \(force\): .*is paused/);
});

test('leaves a guest suspended when it is suspended during its reboot', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const { reboot } = await beginReboot(host, id);
  await host.call('Suspend', { id });
  await t.throwsAsync(reboot, { message: /cancelled by a later command/ });
  t.is(await host.state(id), 'paused');
  t.false(await isRebooting(host, id));
});
