import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { MB } from '../../../lib/model/units.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { hasAgent } from '../../../lib/subagents/shared/guest-agent/port.js';
import { removeRollbackMark, writeRollbackMark } from '../../../lib/subagents/shared/rollback-mark.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

test('creates a running guest and returns its VNC port and defaults', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest, revision } = await host.call('Create', { id, nics: [{ network: 'user' }] });
  t.is(guest.state, 'running');
  t.is(guest.memory, 512);
  t.is(guest.cpu, 1);
  t.true((guest.vnc ?? 0) >= 5900);
  t.true((revision ?? 0) > 0);
  t.like(guest.nics?.[0], { name: 'net0', network: 'user', model: 'virtio' });
  t.regex(guest.nics?.[0]?.mac ?? '', /^52:54:00(:[0-9a-f]{2}){3}$/);
});

test('keeps a running guest’s sockets in a private directory', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  t.is((await stat(host.runFile(id))).mode & 0o007, 0);
  for (const name of ['qmp.sock', 'qmp-storage.sock', 'qga.sock', 'serial.sock', 'pid']) {
    t.true(existsSync(host.runFile(id, name)), name);
  }
});

test('detects without waiting that a guest has no guest agent', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const monitor = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  t.teardown(() => monitor.close());
  t.false(await hasAgent(monitor));
});

test('keeps a defined guest off until it is run', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  t.is((await host.call('CreateGuest', { id, ...TINY })).guest.state, 'shutoff');
  t.false(existsSync(host.runFile(id)));
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

test('changes nothing when a running guest is created or run again', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pid = await host.pid(id);
  await host.call('Create', { id, ...TINY });
  await host.call('CreateGuest', { id, ...TINY });
  await host.call('Run', { id });
  t.is(await host.pid(id), pid);
});

test('pauses a suspended guest until it is resumed', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  t.is((await host.call('Suspend', { id })).guest.state, 'paused');
  t.is((await host.call('Suspend', { id })).guest.state, 'paused');
  t.is((await host.call('Resume', { id })).guest.state, 'running');
  await host.call('Suspend', { id });
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

test('leaves only the definition after a poweroff', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const { guest } = await host.call('Poweroff', { id });
  t.is(guest.state, 'shutoff');
  t.is(guest.vnc, 0);
  t.false(existsSync(host.runFile(id)));
  t.true(existsSync(host.stateFile(id, 'guest.json')));
  t.is((await host.call('Poweroff', { id })).guest.state, 'shutoff');
});

test('restarts a guest in the same QEMU, even a paused one', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pid = await host.pid(id);
  t.is((await host.call('Restart', { id })).guest.state, 'running');
  await host.call('Suspend', { id });
  t.is((await host.call('Restart', { id })).guest.state, 'running');
  t.is(await host.pid(id), pid);
});

test('rejects a shutdown of a paused guest', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  await host.call('Suspend', { id });
  await t.throwsAsync(host.call('Shutdown', { id }), { message: /is paused/ });
});

test('rejects a shutdown whose timeout is not a number', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  await t.throwsAsync(host.call('Shutdown', { id }, { timeout: 'soon' }), {
    message: /^"timeout" must be .*, got "soon"/,
  });
});

test('powers off at once during a shutdown, and ends it', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const shutdown = host.call('Shutdown', { id }, { timeout: '60' });
  t.is((await host.call('Poweroff', { id })).guest.state, 'shutoff');
  t.is((await shutdown).guest.state, 'shutoff');
});

test('does not restart a guest that was powered off during its reboot', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const reboot = host.call('Reboot', { id }, { timeout: '30' });
  reboot.catch(() => undefined);
  await until('the guest is running', async () => (await host.streamedState(id))?.state === 'running');
  await host.call('Poweroff', { id });
  await t.throwsAsync(reboot);
  t.is(await host.state(id), 'shutoff');
});

test('deletes all traces of a guest, and succeeds when repeated', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pid = await host.pid(id);
  await host.call('Delete', { id });
  t.false(existsSync(`/proc/${pid}/exe`));
  t.false(existsSync(host.runFile(id)));
  t.false(existsSync(host.stateFile(id)));
  await t.notThrowsAsync(host.call('Delete', { id }));
});

test('reports a guest that is not defined as not found', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  for (const method of ['Run', 'Status', 'Poweroff', 'Shutdown', 'Restart', 'Reboot', 'Suspend', 'Resume']) {
    await t.throwsAsync(host.call(method, { id, ...TINY }), { message: `guest ${id}: not found` }, method);
  }
});

test('rejects methods that need a running guest when the guest is off', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  for (const method of [
    'Restart',
    'Reboot',
    'Suspend',
    'Resume',
    'CPUMetrics',
    'DiskMetrics',
    'NicMetrics',
  ]) {
    await t.throwsAsync(host.call(method, { id }), { message: /is shutoff: / }, method);
  }
});

test('does not start a guest whose disks are at different times', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  const disks = [{ source }];
  await host.call('CreateGuest', { id, ...TINY, disks });
  await writeRollbackMark(dirname(source), 'disk 0 is rolled back to s1, disk 1 is not: roll it back again');
  const message = `guest ${id} does not start: disk 0 is rolled back to s1, disk 1 is not: roll it back again`;
  await t.throwsAsync(host.call('Run', { id }), { message });
  await t.throwsAsync(host.call('Create', { id, ...TINY, disks }), { message });
  t.is(await host.state(id), 'shutoff');
  await removeRollbackMark(dirname(source));
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

test('refuses a start that needs more memory than the guests that run leave, until one is off', async (t) => {
  const host = await QemuHost.start(t, undefined, { memoryOvercommit: (2 * TINY.memory * MB) / totalmem() });
  const [one, two, three] = [host.newId(), host.newId(), host.newId()];
  await host.call('Create', { id: one, ...TINY });
  await host.call('CreateGuest', { id: three, ...TINY });
  await host.stop();
  await host.launch();
  await host.call('Create', { id: two, ...TINY, memory: TINY.memory - 1 });
  const refusal = { message: /needs 32 MB, and the guests that run have 63 MB of 6\d MB: shut one down/ };
  await t.throwsAsync(host.call('Run', { id: three }), refusal);
  await t.throwsAsync(host.call('CheckGuest', { id: host.newId(), ...TINY }), { message: /needs 32 MB/ });
  t.is(await host.state(three), 'shutoff');
  await host.call('Poweroff', { id: one });
  t.is((await host.call('Run', { id: three })).guest.state, 'running');
});

test('a host without memory kills a guest before the agent', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  t.is((await readFile(`/proc/${await host.pid(id)}/oom_score_adj`, 'utf8')).trim(), '500');
});
