import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { QmpClient } from '../../../lib/qmp/client.js';
import { view } from '../../helpers/console.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { KERNEL_PIDS } from '../../helpers/parts.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs(...LINUX_PARTS);

/** Waits for a state, and returns it with its reason, as the event stream has them. */
const stateOf = async (host: QemuHost, id: string, state: string): Promise<string | undefined> => {
  await until(`the guest is ${state}`, async () => (await host.streamedState(id))?.state === state);
  return (await host.streamedState(id))?.reason;
};

test('distinguishes an orderly shutdown, a poweroff, a SIGTERM and a SIGKILL', async (t) => {
  const host = await QemuHost.start(t);
  const linux = await LinuxGuest.create(t, host);
  const [off, terminated, killed] = [host.newId(), host.newId(), host.newId()];
  for (const id of [off, terminated, killed]) await host.call('Create', { id, ...TINY });
  t.is((await host.call('Status', { id: off })).guest.reason, undefined);
  t.is((await host.call('Poweroff', { id: off })).guest.reason, 'poweroff');
  process.kill(await host.pid(terminated), 'SIGTERM');
  t.is(await stateOf(host, terminated, 'shutoff'), 'killed');
  t.false(existsSync(`${host.runFile(terminated)}.halted`));
  process.kill(await host.pid(killed), 'SIGKILL');
  t.is(await stateOf(host, killed, 'crashed'), 'killed');
  await linux.says('up');
  t.like((await host.call('Shutdown', { id: linux.id })).guest, { state: 'shutoff', reason: 'shutdown' });
  // The reasons survive the sub-agent, and a start forgets them.
  await host.stop();
  await host.launch();
  const reasons: (string | undefined)[] = [];
  for (const id of [linux.id, off, terminated, killed]) reasons.push((await host.streamedState(id))?.reason);
  t.deepEqual(reasons, ['shutdown', 'poweroff', 'killed', 'killed']);
  t.is((await host.call('Run', { id: terminated })).guest.reason, undefined);
});

test('reports as crashed a QEMU that died of a signal of its own', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  process.kill(await host.pid(id), 'SIGSEGV');
  t.is(await stateOf(host, id, 'crashed'), 'crashed');
});

test('reports a panicked guest', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  await other.execute('human-monitor-command', { 'command-line': 'o /b 0x505 1' });
  t.is(await stateOf(host, id, 'crashed'), 'panicked');
  await host.call('Restart', { id });
  other.close();
  t.is(await stateOf(host, id, 'running'), undefined);
});

test('finds out after a restart how guests ended: by SIGTERM, by SIGKILL, and with the host', async (t) => {
  const host = await QemuHost.start(t);
  const [terminated, killed, lost] = [host.newId(), host.newId(), host.newId()];
  const all = [terminated, killed, lost];
  for (const id of all) await host.call('Create', { id, ...TINY });
  const pids: number[] = [];
  for (const id of all) pids.push(await host.pid(id));
  await host.stop();
  for (const [n, signal] of (['SIGTERM', 'SIGKILL', 'SIGKILL'] as const).entries())
    process.kill(pids[n] ?? 0, signal);
  await until('all have exited', () => pids.every((pid) => !existsSync(`/proc/${pid}/exe`)));
  // A host that restarts has an empty /run.
  await rm(host.runFile(lost), { recursive: true });
  await host.launch();
  t.like(await host.streamedState(terminated), { state: 'shutoff', reason: 'killed' });
  t.like(await host.streamedState(killed), { state: 'crashed', reason: 'killed or crashed' });
  t.like(await host.streamedState(lost), { state: 'shutoff', reason: 'killed' });
});

test('reports a guest that is halted because its disk’s file system is full', async (t) => {
  const host = await QemuHost.start(t);
  const disks = join(host.dir, 'storage', 'guests');
  await mkdir(disks, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disks]);
  t.teardown(() => execa('umount', ['-l', disks]));
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  const viewer = await view(host.consoleUrl('serial', id));
  viewer.type('dd if=/dev/urandom of=/data/fill bs=1M count=4; sync\n');
  t.is(await stateOf(host, id, 'paused'), 'io-error');
  viewer.leave();
});

needs(...LINUX_PARTS, KERNEL_PIDS)('reports a QEMU that the kernel killed for lack of memory', async (t) => {
  const group = `/sys/fs/cgroup/memory/mistify-test-${process.pid}`;
  try {
    await execa('mkdir', [group]);
    await writeFile(`${group}/memory.limit_in_bytes`, String(32 * 2 ** 20));
  } catch {
    t.log('skipped: no memory controller of cgroups v1 here');
    t.pass();
    return;
  }
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  await writeFile(`${group}/cgroup.procs`, String(await host.pid(guest.id)));
  t.is(await stateOf(host, guest.id, 'crashed'), 'out of memory');
  await execa('rmdir', [group]);
});
