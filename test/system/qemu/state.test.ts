import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { QmpClient } from '../../../lib/qmp/client.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

// Guarantees: G26.

const test = needs('qemu-system-x86_64', 'qemu-img');

test('reports a killed QEMU as crashed on the event stream', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  process.kill(await host.pid(id), 'SIGKILL');
  await until('the guest is crashed', async () => (await host.streamedState(id))?.state === 'crashed');
  t.false(existsSync(host.runFile(id)));
  t.is((await host.streamedState(id))?.vnc, 0);
});

test('returns crashed for the first status query after a kill', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  process.kill(await host.pid(id), 'SIGKILL');
  t.is(await host.state(id), 'crashed');
});

test('runs a crashed guest again, and powers one off', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  process.kill(await host.pid(id), 'SIGKILL');
  t.is((await host.call('Run', { id })).guest.state, 'running');
  process.kill(await host.pid(id), 'SIGKILL');
  t.is((await host.call('Poweroff', { id })).guest.state, 'shutoff');
});

test('reports a QEMU that exits by itself as shutoff', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  process.kill(await host.pid(id), 'SIGTERM');
  await until('the guest is shutoff', async () => (await host.streamedState(id))?.state === 'shutoff');
  t.false(existsSync(host.runFile(id)));
});

test('notices what another monitor does to a guest', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  await other.execute('stop');
  await until('the guest is paused', async () => (await host.streamedState(id))?.state === 'paused');
  await other.execute('cont');
  await until('the guest is running', async () => (await host.streamedState(id))?.state === 'running');
  other.close();
  t.pass();
});

test('keeps the same QEMU across a reset', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const pid = await host.pid(id);
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  await other.execute('system_reset');
  other.close();
  t.is(await host.state(id), 'running');
  t.is(await host.pid(id), pid);
});

test('reports a QEMU that does not reply as unknown, and powers it off', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  process.kill(await host.pid(id), 'SIGSTOP');
  t.is(await host.state(id), 'unknown');
  await t.throwsAsync(host.call('Run', { id }), { message: /is unknown/ });
  t.is((await host.call('Poweroff', { id })).guest.state, 'shutoff');
});

test('finds running and paused guests again after a restart', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest } = await host.call('Create', { id, ...TINY });
  await host.stop();
  await host.launch();
  t.like(await host.streamedState(id), { state: 'running', vnc: guest.vnc });
  t.is((await host.call('Suspend', { id })).guest.state, 'paused');
  await host.stop();
  await host.launch();
  t.is((await host.streamedState(id))?.state, 'paused');
});

test('finds out how guests ended while no sub-agent ran', async (t) => {
  const host = await QemuHost.start(t);
  const [killed, ended, off] = [host.newId(), host.newId(), host.newId()];
  await host.call('Create', { id: killed, ...TINY });
  await host.call('Create', { id: ended, ...TINY });
  await host.call('CreateGuest', { id: off, ...TINY });
  const pids = [await host.pid(killed), await host.pid(ended)] as const;
  await host.stop();
  process.kill(pids[0], 'SIGKILL');
  process.kill(pids[1], 'SIGTERM');
  await until('both have exited', () => pids.every((pid) => !existsSync(`/proc/${pid}/exe`)));
  await host.launch();
  t.is((await host.streamedState(killed))?.state, 'crashed');
  t.is((await host.streamedState(ended))?.state, 'shutoff');
  t.is((await host.streamedState(off))?.state, 'shutoff');
  await host.stop();
  await host.launch();
  t.is((await host.streamedState(killed))?.state, 'crashed');
});

test('gives each change of state a higher revision', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const revisions: number[] = [];
  revisions.push((await host.call('CreateGuest', { id, ...TINY })).revision ?? 0);
  revisions.push((await host.call('Run', { id })).revision ?? 0);
  revisions.push((await host.call('Suspend', { id })).revision ?? 0);
  revisions.push((await host.call('Poweroff', { id })).revision ?? 0);
  t.deepEqual(
    [...new Set(revisions)].sort((a, b) => a - b),
    revisions,
  );
});

test('reports a guest whose socket was removed as unknown', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  await host.stop();
  await execa('rm', [host.runFile(id, 'qmp.sock')]);
  await host.launch();
  t.is((await host.streamedState(id))?.state, 'unknown');
  t.is((await host.call('Poweroff', { id })).guest.state, 'shutoff');
});
