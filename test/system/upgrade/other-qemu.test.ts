import { execa } from 'execa';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { OTHER_QEMU } from '../../helpers/parts.js';
import { QemuHost } from '../../helpers/qemu.js';
import { connectQmp, pciDevices, runJob } from '../../helpers/qmp.js';
import { until } from '../../helpers/wait.js';

const OTHER = process.env.MISTIFY_OTHER_QEMU ?? '';
const OWN = 'qemu-system-x86_64';

const test = needsInTurn(OTHER_QEMU, ...LINUX_PARTS);

const versionOf = async (qemu: string): Promise<number> => {
  const { stdout } = await execa(qemu, ['-version']);
  const [, major = '', minor = ''] = /version (\d+)\.(\d+)/.exec(stdout) ?? [];
  return Number(major) * 1000 + Number(minor);
};

/**
 * Versions whose saved memory later ones do not load. QEMU 10.0 gives every virtqueue 1024 entries:
 * findings/qemu-10-gives-every-virtqueue-1024-entries.sh.
 */
const MEMORY_LOST: readonly number[] = [10_000];

/** Both QEMUs, the older one first. */
const bothQemus = async (): Promise<[string, string]> => {
  return (await versionOf(OWN)) < (await versionOf(OTHER)) ? [OWN, OTHER] : [OTHER, OWN];
};

/** Replaces the host's QEMU and its sub-agent, as an upgrade of packages does. Guests keep running. */
const replaceQemu = async (host: QemuHost, qemu: string): Promise<void> => {
  await host.stop();
  host.qemu = qemu;
  await host.launch();
};

/** A model that both versions give completely, unlike `max`. */
const CPU_MODEL = 'Nehalem';
const MEMORY = { tag: 'memory', vmstate: 'disk0', devices: ['disk0'] };

const qmpOf = (host: QemuHost, id: string): string => host.runFile(id, 'qmp-storage.sock');

const withQmp = async (
  host: QemuHost,
  id: string,
  use: (qmp: Awaited<ReturnType<typeof connectQmp>>) => Promise<unknown>,
): Promise<void> => {
  const qmp = await connectQmp(qmpOf(host, id));
  try {
    await use(qmp);
  } finally {
    qmp.close();
  }
};

/** Waits until the guest's program prints another line. */
const keepsRunning = async (guest: LinuxGuest): Promise<void> => {
  const before = (await guest.console()).length;
  await until('the guest prints on', async () => (await guest.console()).length > before, 60_000);
};

const PRINTS = { 'user-data': '#!/bin/sh\n(while true; do echo "mistify-guest: alive"; sleep 1; done) &\n' };

test('a newer QEMU changes nothing in guests that run, sleep, are off, or saved their memory', async (t) => {
  const [older, newer] = await bothQemus();
  const host = await QemuHost.start(t);
  await replaceQemu(host, older);
  const create = (): Promise<LinuxGuest> =>
    LinuxGuest.create(t, host, {
      cpuModel: CPU_MODEL,
      nics: [{ network: 'user' }],
      metadata: PRINTS,
    });
  const [running, paused] = [await create(), await create()];
  await running.says('alive');
  await paused.says('alive');
  const devices = await pciDevices(qmpOf(host, running.id));
  const { guest } = await host.call('Status', { id: running.id });
  await host.call('Suspend', { id: paused.id });
  await withQmp(host, running.id, (qmp) => runJob(qmp, 'snapshot-save', MEMORY));

  await replaceQemu(host, newer);
  t.is(await host.state(running.id), 'running');
  await keepsRunning(running);
  await host.call('Resume', { id: paused.id });
  await keepsRunning(paused);
  await host.call('Poweroff', { id: paused.id });

  await host.call('Poweroff', { id: running.id });
  const { guest: started } = await host.call('Run', { id: running.id });
  t.deepEqual(started.machine, guest.machine);
  t.deepEqual(await pciDevices(qmpOf(host, running.id)), devices);
  await running.says('up', 2);
  const isLost = MEMORY_LOST.includes(await versionOf(older));
  await withQmp(host, running.id, async (qmp) => {
    await qmp.execute('stop');
    const loaded = runJob(qmp, 'snapshot-load', MEMORY);
    if (isLost) {
      await t.throwsAsync(loaded, { message: /Failed to load element of type virtio/ });
      return;
    }
    await loaded;
    await qmp.execute('cont');
    await keepsRunning(running);
  });

  await host.call('UpgradeMachine', { id: paused.id });
  const { guest: upgraded } = await host.call('Run', { id: paused.id });
  t.not(upgraded.machine?.type, guest.machine?.type);
  await paused.says('up', 2);
});

test('an older QEMU refuses a newer guest’s start in words, and changes nothing', async (t) => {
  const [older, newer] = await bothQemus();
  const host = await QemuHost.start(t);
  await replaceQemu(host, newer);
  const guest = await LinuxGuest.create(t, host, { cpuModel: CPU_MODEL });
  const { machine } = (await host.call('Status', { id: guest.id })).guest;
  await replaceQemu(host, older);
  t.is(await host.state(guest.id), 'running');
  t.regex(
    (await host.call('Status', { id: guest.id })).guest.warnings?.join() ?? '',
    /the next start of the guest will fail/,
  );
  await host.call('Poweroff', { id: guest.id });
  await t.throwsAsync(host.call('Run', { id: guest.id }), {
    message: /does not start: QEMU \S+ on this host has no machine type .*upgrade-machine/,
  });
  t.is(await host.state(guest.id), 'shutoff');
  await replaceQemu(host, newer);
  const { guest: started } = await host.call('Run', { id: guest.id });
  t.deepEqual(started.machine, machine);
  t.deepEqual(started.warnings, []);
});
