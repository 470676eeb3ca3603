import { UpgradeRefused } from '../../../lib/http/websocket/dial.js';
import type { LogsQuery } from '../../../lib/model/guest-logs.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { view } from '../../helpers/console.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs(...LINUX_PARTS);

const BOOT_MS = 120_000;

const refused = async (url: string): Promise<[number, string]> => {
  try {
    await view(url);
  } catch (error) {
    if (error instanceof UpgradeRefused) return [error.status, error.body.trim()];
    throw error;
  }
  return [101, ''];
};

test('shows every viewer what anyone types into a serial console, and the guest’s replies', async (t) => {
  const host = await QemuHost.start(t);
  const { id } = await LinuxGuest.create(t, host);
  const [one, other] = [await view(host.consoleUrl('serial', id)), await view(host.consoleUrl('serial', id))];
  await one.sees('mistify-guest: up', BOOT_MS);
  one.type('echo $((6 * 7))one\r');
  other.type('echo $((6 * 7))other\r');
  for (const viewer of [one, other]) {
    await viewer.sees('42one', BOOT_MS);
    await viewer.sees('42other', BOOT_MS);
  }
  t.pass();
});

test('shows output as the guest has written it, also after somebody has typed', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  const viewer = await view(`${host.consoleUrl('serial', id)}&scrollback=0`);
  await viewer.sees('mistify-guest: up', BOOT_MS);
  viewer.type('kill $(cat /run/heartbeat.pid); seq 1 30000; echo counted to $((3 * 10000))\r');
  await viewer.sees('counted to 30000', BOOT_MS);
  const numbers = (await guest.console()).split(/\r?\n/).filter((line) => /^\d+$/.test(line));
  t.deepEqual(
    numbers.filter((line, index) => line !== String(index + 1)),
    [],
  );
});

test('keeps a serial console open from before the guest’s start until its deletion', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  await host.call('Poweroff', { id });
  const viewer = await view(`${host.consoleUrl('serial', id)}&scrollback=0`);
  viewer.type('typed while the guest is off\r');
  await host.call('Run', { id });
  await viewer.sees('mistify-guest: up', BOOT_MS);
  viewer.type('echo still $((1 + 1)) here\r');
  await viewer.sees('still 2 here', BOOT_MS);
  const ended = viewer.ends();
  await host.call('Delete', { id });
  t.deepEqual(await ended, [1000, '']);
});

test('sends what a guest has printed on its serial console, on or off', async (t) => {
  const host = await QemuHost.start(t);
  const guest = await LinuxGuest.create(t, host);
  const { id } = guest;
  const logs = (query: LogsQuery): Promise<Response> => host.openStream('/logs', { guest: id, ...query });
  const { body } = await logs({ follow: true });
  let followed = '';
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    followed += Buffer.from(chunk).toString();
    if (followed.includes('mistify-guest: up')) break;
  }
  await host.call('Poweroff', { id });
  const all = await (await logs({})).text();
  t.true(all.startsWith(followed));
  t.true(all.endsWith(await (await logs({ tail: 3 })).text()));
  const refused = await logs({ timestamps: true });
  t.is(refused.status, 400);
  t.is(
    (await refused.text()).trim(),
    `guest ${id} is a virtual machine, whose serial log is one output without times: leave out timestamps`,
  );
});

test('serves a guest’s screen without a password to several viewers at once', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const viewers = [await view(host.consoleUrl('vnc', id)), await view(host.consoleUrl('vnc', id))];
  for (const viewer of viewers) await viewer.sees('RFB 003.008\n');
  for (const viewer of viewers) viewer.type('RFB 003.008\n');
  // The server offers one security type, None (RFC 6143, 7.1.2).
  for (const viewer of viewers) await viewer.sees('\u0001\u0001');
  for (const viewer of viewers) viewer.type('\u0001');
  for (const viewer of viewers) await viewer.sees('\u0001\u0001\0\0\0\0');
  t.pass();
});

test('lets a viewer that asks for the screen alone share it', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const viewers = [await view(host.consoleUrl('vnc', id)), await view(host.consoleUrl('vnc', id))];
  for (const viewer of viewers) {
    await viewer.sees('RFB 003.008\n');
    viewer.type('RFB 003.008\n');
    await viewer.sees('\u0001\u0001');
    // Security type None, and a ClientInit without the shared-flag.
    viewer.type('\u0001\0');
  }
  // ServerInit ends in the name of the screen.
  for (const viewer of viewers) await viewer.sees(`QEMU (${id})`);
  t.pass();
});

test('requires a password on the VNC server’s TCP port', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const servers =
    await qmp.execute<{ auth: string; server: { family: string; auth: string }[] }[]>('query-vnc-servers');
  qmp.close();
  t.deepEqual(servers.flatMap(({ server, auth }) => server.map(({ family }) => [family, auth])).sort(), [
    ['ipv4', 'vnc'],
    ['unix', 'none'],
  ]);
});

test('rejects with 409 a screen of a guest that is off', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  t.deepEqual(await refused(host.consoleUrl('vnc', id)), [
    409,
    `guest ${id} is off and has no screen: start it first`,
  ]);
});

test('rejects with 404 a console of a guest that is not defined', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  for (const kind of ['serial', 'vnc'] as const)
    t.deepEqual(await refused(host.consoleUrl(kind, id)), [404, `guest ${id}: not found`]);
});
