import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { QmpClient } from '../../../lib/qmp/client.js';
import { view } from '../../helpers/console.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs(...LINUX_PARTS);

/** Types commands into a guest's shell, and returns once the last one is done. */
const type = async (host: QemuHost, guest: LinuxGuest, commands: string): Promise<void> => {
  const viewer = await view(host.consoleUrl('serial', guest.id));
  viewer.type(`${commands}\necho mistify-guest: "typed"\n`);
  await guest.says('typed');
  viewer.leave();
};

/** A guest that takes its time to shut down once told, and takes a second press of the power button as "cancel". */
const slowGuest = async (t: ExecutionContext, host: QemuHost, seconds: number): Promise<LinuxGuest> => {
  const guest = await LinuxGuest.create(t, host);
  await guest.says('up');
  const script = [
    '#!/bin/sh',
    'echo mistify-guest: "press"ed > /dev/console',
    '[ -e /run/pressed ] && echo mistify-guest: "cancel"led > /dev/console && killall sleep',
    'touch /run/pressed',
    `(sleep ${seconds} && exec /bin/shut-down poweroff) &`,
  ];
  await type(
    host,
    guest,
    `cat > /etc/acpi/PWRF/00000080 <<'EOF'\n${script.join('\n')}\nEOF\nkill $(cat /run/heartbeat.pid)`,
  );
  return guest;
};

test('presses the power button only once while a guest takes long to shut down', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await slowGuest(t, host, 12);
  t.is((await host.call('Shutdown', { id: guest.id })).guest.state, 'shutoff');
  const console = await guest.console();
  t.is(console.split('mistify-guest: pressed').length, 2);
  t.false(console.includes('mistify-guest: cancelled'));
});

test('does not disturb a guest that is still shutting down: reboot and start fail until it is off', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await slowGuest(t, host, 20);
  const { id } = guest;
  const pid = await host.pid(id);
  await t.throwsAsync(host.call('Reboot', { id }, { timeout: '2' }), {
    message: /did not shut itself down within 2 s .*told to by the power button.*force=true/,
  });
  for (const method of ['Run', 'Restart'])
    await t.throwsAsync(host.call(method, { id }, { timeout: '1' }), {
      message:
        /was told to shut down and is still on after 1 s.*\(timeout=SECONDS, --within SECONDS\).*\(force=true, --force\)/,
    });
  t.is(await host.pid(id), pid);
  t.is((await host.call('Run', { id })).guest.state, 'running');
  t.not(await host.pid(id), pid);
  t.is((await guest.console()).split('mistify-guest: pressed').length, 2);
});

test('needs force to cut the power of a guest that does not shut down in time, and says so', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  await t.throwsAsync(host.call('Shutdown', { id }, { timeout: '1' }), {
    message: /did not shut itself down within 1 s .*timeout=SECONDS.*force=true/,
  });
  t.is(await host.state(id), 'running');
  const { guest, message } = await host.call('Shutdown', { id }, { timeout: '1', force: 'true' });
  t.is(guest.state, 'shutoff');
  t.regex(message ?? '', /^power cut \(force\): guest .* did not shut itself down within 1 s/);
});

test('rejects a timeout or a force that is malformed, before it does anything', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  for (const args of [{ timeout: '0' }, { timeout: 'soon' }, { timeout: '3601' }, { force: 'yes' }])
    await t.throwsAsync(host.call('Shutdown', { id }, args), { message: /must be/ });
  t.is(await host.state(id), 'running');
});

/** Puts a guest to sleep (ACPI S3). */
const putToSleep = async (host: QemuHost, guest: LinuxGuest): Promise<void> => {
  const viewer = await view(host.consoleUrl('serial', guest.id));
  viewer.type('echo mem > /sys/power/state\n');
  await until('the guest sleeps', async () => (await host.state(guest.id)) === 'suspended', 30_000);
  viewer.leave();
};

test('refuses to shut down or reboot a sleeping guest, and one that lost its power button by sleeping', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  await putToSleep(host, guest);
  for (const method of ['Shutdown', 'Reboot'])
    await t.throwsAsync(host.call(method, { id }), {
      message: /is suspended: it sleeps \(ACPI S3\).*resume/,
    });
  t.is(await host.state(id), 'suspended');
  t.is((await host.call('Resume', { id })).guest.state, 'running');
  await setTimeout(12_000);
  for (const method of ['Shutdown', 'Reboot'])
    await t.throwsAsync(host.call(method, { id }), {
      message: /is running: it slept \(ACPI S3\).*power button/,
    });
  const { message } = await host.call('Reboot', { id }, { force: 'true' });
  t.regex(message ?? '', /^reset \(force\): .*slept/);
  await guest.says('up', 2);
  t.is((await host.call('Shutdown', { id })).guest.state, 'shutoff');
});

test('ends a sleeping guest with force', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await guest.says('up');
  await putToSleep(host, guest);
  const { guest: after, message } = await host.call('Shutdown', { id }, { force: 'true' });
  t.is(after.state, 'shutoff');
  t.regex(message ?? '', /^power cut \(force\): .*sleeps/);
});

test('reports a guest that was migrated away, and rejects every command that would run it', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const sink = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  t.teardown(() => sink.close());
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const { port } = sink.address() as AddressInfo;
  await other.execute('migrate', { uri: `tcp:127.0.0.1:${port}` });
  await until('the guest is migrated', async () => (await host.state(id)) === 'postmigrate', 30_000);
  for (const method of ['Run', 'Resume', 'Restart', 'Reboot', 'Suspend', 'Shutdown'])
    await t.throwsAsync(host.call(method, { id }), { message: /is postmigrate: .*power it off/ }, method);
  await t.throwsAsync(host.call('Reboot', { id }, { force: 'true' }), { message: /is postmigrate/ });
  t.deepEqual(
    await other.execute('query-status').then((s) => (s as { status: string }).status),
    'postmigrate',
  );
  other.close();
  t.is((await host.call('Poweroff', { id })).guest.state, 'shutoff');
});
