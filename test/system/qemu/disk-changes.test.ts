import { readFile, writeFile } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { diskSerial } from '../../../lib/model/disks.js';
import type { Disk } from '../../../lib/model/guest.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import type { GuestRecord } from '../../../lib/subagents/qemu/guests/records.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'python3');

const BLANK = { device: '', size: 16, volume: '', image: '' };

const makeDisks = (host: QemuHost, id: string, buses: string[], first = 0): Promise<Disk[]> =>
  Promise.all(
    buses.map(async (bus, n) => ({
      ...BLANK,
      bus,
      source: await host.makeDisk(id, first + n),
      number: first + n,
    })),
  );

/** Runs work with a QMP connection of its own. */
const withQmp = async <Result>(
  host: QemuHost,
  id: string,
  work: (qmp: QmpClient) => Promise<Result>,
): Promise<Result> => {
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  try {
    return await work(qmp);
  } finally {
    qmp.close();
  }
};

/** Lists what QEMU has of a guest's disks: devices, block nodes and inherited files. */
const inQemu = (host: QemuHost, id: string): Promise<{ devices: string[]; nodes: string[]; files: number }> =>
  withQmp(host, id, async (qmp) => {
    const devices = await qmp.execute<{ name: string }[]>('qom-list', { path: '/machine/peripheral' });
    const nodes = await qmp.execute<Record<string, string>[]>('query-named-block-nodes', { flat: true });
    const files = await qmp.execute<unknown[]>('query-fdsets');
    return {
      devices: devices
        .map(({ name }) => name)
        .filter((name) => name.includes('-disk'))
        .sort(),
      nodes: nodes
        .map((node) => node['node-name'] ?? '')
        .filter((name) => /^(disk|file)\d/.test(name))
        .sort(),
      files: files.length,
    };
  });

/** Returns where QEMU has each disk: its PCI address or bus, and its serial. */
const places = (host: QemuHost, id: string, names: string[]): Promise<Record<string, unknown>> =>
  withQmp(host, id, async (qmp) => {
    const found: Record<string, unknown> = {};
    for (const name of names) {
      const path = `/machine/peripheral/${name}`;
      const get = (property: string): Promise<unknown> => qmp.execute('qom-get', { path, property });
      found[name] = [
        await get('addr')
          .catch(() => get('scsi-id'))
          .catch(() => null),
        await get('parent_bus'),
        await get('serial'),
      ];
    }
    return found;
  });

const readRecord = async (host: QemuHost, id: string): Promise<GuestRecord> =>
  JSON.parse(await readFile(host.stateFile(id, 'guest.json'), 'utf8')) as GuestRecord;

const add = (host: QemuHost, id: string, disks: Disk[]) => host.call('AddDisk', { id, disks });
const remove = (host: QemuHost, id: string, change: object) =>
  host.change('RemoveDisk', id, change as Record<string, unknown>);

test('removing a disk of a guest that is off changes nothing of the others', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = await makeDisks(host, id, ['virtio', 'sata', 'virtio', 'sata', 'scsi']);
  await host.call('Create', { id, ...TINY, disks });
  const left = ['virtio-disk2', 'sata-disk3', 'scsi-disk4'];
  const before = await places(host, id, left);
  await host.call('Poweroff', { id });
  await remove(host, id, { disk: 1 });
  const { guest } = await remove(host, id, { disk: 0 });
  t.deepEqual(
    guest.disks?.map(({ number, device, serial }) => ({ number, device, serial })),
    [2, 3, 4].map((number) => ({ number, device: '', serial: diskSerial(id, number) })),
  );
  await host.call('Run', { id });
  t.deepEqual(await places(host, id, left), before);
  t.deepEqual(Object.keys((await host.measure('DiskMetrics', id)).disk ?? {}), [
    diskSerial(id, 2),
    diskSerial(id, 3),
    diskSerial(id, 4),
  ]);
});

test('a disk that is added keeps its root port, also when the guest was off', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = await makeDisks(host, id, ['virtio', 'virtio', 'virtio', 'sata']);
  await host.call('CreateGuest', { id, ...TINY, disks: disks.slice(0, 1) });
  const off = await add(host, id, disks.slice(0, 2));
  t.regex(off.message ?? '', /^the guest has disk 1 at its next start$/);
  t.is(off.guest.disks?.[1]?.device, 'vdb');
  await host.call('Run', { id });
  const on = await add(host, id, disks.slice(0, 3));
  t.is(on.message, 'disk 2 is plugged in');
  t.deepEqual((await readRecord(host, id)).machine?.ports, { 'virtio-disk1': 0, 'virtio-disk2': 1 });
  const names = ['virtio-disk0', 'virtio-disk1', 'virtio-disk2'];
  const before = await places(host, id, names);
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  t.deepEqual(await places(host, id, names), before);
  await t.throwsAsync(add(host, id, disks), {
    message: /is running: no sata disk can be plugged in: shut it down first, and add the disk then, or use/,
  });
});

test('plugs a SCSI disk in and out, and leaves no node or file behind', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = await makeDisks(host, id, ['virtio', 'scsi']);
  await host.call('Create', { id, ...TINY, disks: disks.slice(0, 1) });
  const before = await inQemu(host, id);
  const { guest } = await add(host, id, disks);
  t.like(guest.disks?.[1], { number: 1, device: '', serial: diskSerial(id, 1) });
  const plugged = await inQemu(host, id);
  t.deepEqual(plugged.devices, ['scsi-disk1', 'virtio-disk0']);
  t.deepEqual(plugged.nodes, ['disk0', 'disk1', 'file0', 'file1']);
  t.is(plugged.files, before.files + 1);
  const removed = await remove(host, id, { disk: 1 });
  t.is(removed.guest.disks?.length, 1);
  t.deepEqual(await inQemu(host, id), before);
  t.is((await remove(host, id, { disk: 1 })).guest.disks?.length, 1);
});

test('a disk that the guest does not release goes at its next reset, and is not there at its next start', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = await makeDisks(host, id, ['virtio', 'virtio', 'virtio']);
  await host.call('Create', { id, ...TINY, disks: disks.slice(0, 1) });
  const before = await inQemu(host, id);
  await add(host, id, disks.slice(0, 2));
  await add(host, id, disks);
  // Only the BIOS runs: it does not eject anything.
  for (const disk of [1, 2])
    await t.throwsAsync(remove(host, id, { disk }), {
      message: new RegExp(`has not released disk ${disk} within 10 s: .*the data is still there`),
    });
  const { guest } = await host.call('Status', { id });
  t.is(guest.warnings?.length, 2);
  t.regex(guest.warnings?.[0] ?? '', /the guest is to release disk 1, .*: remove the disk again then/);
  await host.call('Restart', { id });
  await until('the removed disks are closed', async () => (await inQemu(host, id)).nodes.length === 2);
  t.deepEqual(await inQemu(host, id), before);
  t.is((await remove(host, id, { disk: 1 })).guest.disks?.length, 2);
  await host.call('Poweroff', { id });
  await host.call('Run', { id });
  t.deepEqual((await inQemu(host, id)).devices, ['virtio-disk0']);
  const last = await remove(host, id, { disk: 2 });
  t.is(last.guest.disks?.length, 1);
  t.deepEqual(last.guest.warnings, []);
});

test('keeps the disk that a running guest has booted from, and those that were built in', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = await makeDisks(host, id, ['scsi', 'virtio', 'sata']);
  await host.call('Create', { id, ...TINY, disks });
  await t.throwsAsync(remove(host, id, { disk: 0 }), {
    message: /disk 0 is the first one, from which it has booted: .* or force it \(force=true, --force\)/,
  });
  await t.throwsAsync(remove(host, id, { disk: 1 }), { message: /disk 1 was not plugged in but built in/ });
  await t.throwsAsync(remove(host, id, { disk: 2 }), {
    message: /is a sata disk, which cannot be unplugged/,
  });
  t.is((await remove(host, id, { disk: 0, force: true })).guest.disks?.length, 2);
});

test('a disk that cannot be plugged in leaves nothing behind', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = await makeDisks(host, id, ['virtio', 'virtio']);
  await host.call('Create', { id, ...TINY, disks: disks.slice(0, 1) });
  const before = [await inQemu(host, id), await readRecord(host, id)];
  await writeFile(disks[1]?.source ?? '', Buffer.alloc(1024));
  await t.throwsAsync(add(host, id, disks));
  await t.throwsAsync(
    add(host, id, [...disks.slice(0, 1), { ...BLANK, bus: 'floppy', source: '', number: 1 }]),
    {
      message: /unknown bus "floppy"/,
    },
  );
  t.deepEqual([await inQemu(host, id), await readRecord(host, id)], before);
});

/** Ends the sub-agent and changes what it left of an interrupted call. */
const interrupt = async (host: QemuHost, change: () => Promise<void>): Promise<void> => {
  await host.stop();
  await change();
  await host.launch();
};

const assertCompletes = async (
  t: ExecutionContext,
  host: QemuHost,
  id: string,
  disks: Disk[],
): Promise<void> => {
  const { guest } = await add(host, id, disks);
  t.is(guest.disks?.length, 2);
  const { devices, nodes } = await inQemu(host, id);
  t.deepEqual(devices, ['virtio-disk0', 'virtio-disk1']);
  t.deepEqual(nodes, ['disk0', 'disk1', 'file0', 'file1']);
};

test('completes an addition that was interrupted after the record was written', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = await makeDisks(host, id, ['virtio', 'virtio']);
  await host.call('Create', { id, ...TINY, disks: disks.slice(0, 1) });
  await add(host, id, disks);
  const record = await readFile(host.stateFile(id, 'guest.json'), 'utf8');
  await host.call('Poweroff', { id });
  await remove(host, id, { disk: 1 });
  await host.call('Run', { id });
  await interrupt(host, () => writeFile(host.stateFile(id, 'guest.json'), record));
  await assertCompletes(t, host, id, disks);
});

test('completes an addition that was interrupted while QEMU opened the disk', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const disks = await makeDisks(host, id, ['virtio', 'virtio']);
  await host.call('Create', { id, ...TINY, disks: disks.slice(0, 1) });
  await interrupt(host, () =>
    withQmp(host, id, async (qmp) => {
      const file = { driver: 'null-co', 'node-name': 'file1', size: 2 ** 20 };
      await qmp
        .execute('blockdev-add', { driver: 'raw', 'node-name': 'disk1', file: 'file1' })
        .catch(() => {});
      await qmp.execute('blockdev-add', file);
    }),
  );
  await assertCompletes(t, host, id, disks);
});
