import { existsSync } from 'node:fs';
import { QmpClient } from '../../../lib/qmp/client.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost } from '../../helpers/qemu.js';

const test = needs(...LINUX_PARTS);

test('a Linux guest shuts itself down when it is asked to over ACPI, and boots again', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  t.is((await host.call('Shutdown', { id })).guest.state, 'shutoff');
  t.is((await host.call('Shutdown', { id })).guest.state, 'shutoff');
  t.is((await host.call('Run', { id })).guest.state, 'running');
  await guest.says('up', 2);
});

test('that a guest has shut itself down is noted until it runs again; that its power was cut is not', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  const isNoted = (): boolean => existsSync(`${host.runFile(id)}.halted`);
  await guest.says('up');
  await host.call('Shutdown', { id });
  t.true(isNoted());
  await host.call('Run', { id });
  t.false(isNoted());
  await host.call('Poweroff', { id });
  t.false(isNoted());
});

test('a shutdown that is asked for while the guest still boots is heard in the end', async (t) => {
  const host = await QemuHost.start(t);
  const { id } = await LinuxGuest.create(t, host);
  t.is((await host.call('Shutdown', { id }, { timeout: '120' })).guest.state, 'shutoff');
});

test('a reboot shuts the guest down and starts it again', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  const pid = await host.pid(id);
  t.is((await host.call('Reboot', { id })).guest.state, 'running');
  t.not(await host.pid(id), pid);
  await guest.says('up', 2);
});

test('a guest that panics is crashed until it resets itself', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const panicked = new Promise((resolve) => {
    other.on('event', ({ event }) => event === 'GUEST_PANICKED' && resolve(event));
  });
  // Without the kernel's module for it nobody tells QEMU of a panic, so the port is written to by hand.
  await other.execute('human-monitor-command', { 'command-line': 'o /b 0x505 1' });
  await panicked;
  t.is(await host.state(id), 'crashed');
  await host.call('Restart', { id });
  other.close();
  t.is(await host.state(id), 'running');
});
