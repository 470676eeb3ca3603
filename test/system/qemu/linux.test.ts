import { existsSync } from 'node:fs';
import { QmpClient } from '../../../lib/qmp/client.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost } from '../../helpers/qemu.js';

const test = needs(...LINUX_PARTS);

test('shuts a Linux guest down over ACPI, and boots it again', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  t.is((await host.call('Shutdown', { id })).guest.state, 'shutoff');
  t.is((await host.call('Shutdown', { id })).guest.state, 'shutoff');
  t.is((await host.call('Run', { id })).guest.state, 'running');
  await guest.says('up', 2);
});

test('marks a guest that shut itself down as halted until it runs again, but not a guest that was powered off', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  const isMarked = (): boolean => existsSync(`${host.runFile(id)}.halted`);
  await guest.says('up');
  await host.call('Shutdown', { id });
  t.true(isMarked());
  await host.call('Run', { id });
  t.false(isMarked());
  await host.call('Poweroff', { id });
  t.false(isMarked());
});

test('completes a shutdown requested while the guest still boots', async (t) => {
  const host = await QemuHost.start(t);
  const { id } = await LinuxGuest.create(t, host);
  t.is((await host.call('Shutdown', { id }, { timeout: '120' })).guest.state, 'shutoff');
});

test('reboots a guest by a shutdown and a start', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  const pid = await host.pid(id);
  t.is((await host.call('Reboot', { id })).guest.state, 'running');
  t.not(await host.pid(id), pid);
  await guest.says('up', 2);
});

test('reports a panicked guest as crashed until its next reset', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const panicked = new Promise((resolve) => {
    other.on('event', ({ event }) => event === 'GUEST_PANICKED' && resolve(event));
  });
  // The guest's kernel has no pvpanic module, so write to the device's port by hand.
  await other.execute('human-monitor-command', { 'command-line': 'o /b 0x505 1' });
  await panicked;
  t.is(await host.state(id), 'crashed');
  await host.call('Restart', { id });
  other.close();
  t.is(await host.state(id), 'running');
});
