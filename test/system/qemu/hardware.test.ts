import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { diskSerial } from '../../../lib/model/disks.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

/** Asserts that a create fails with `message` and leaves nothing behind. */
const assertRejects = async (
  t: ExecutionContext,
  host: QemuHost,
  guest: Record<string, unknown> & { id: string },
  message: RegExp,
): Promise<void> => {
  await t.throwsAsync(host.call('Create', guest), { message });
  t.false(existsSync(host.runFile(guest.id)));
  t.false(existsSync(host.stateFile(guest.id)));
};

test('attaches disks to every bus, under the node names that the storage sub-agent uses', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const buses = ['', 'scsi', 'sata', 'ide', 'sata', 'sata', 'sata', 'sata', 'sata'];
  const disks = await Promise.all(
    buses.map(async (bus, n) => ({ bus, source: await host.makeDisk(id, n), size: 16 })),
  );
  const { guest } = await host.call('Create', { id, ...TINY, disks });
  t.deepEqual(
    guest.disks?.map(({ device }) => device),
    ['vda', '', '', '', '', '', '', '', ''],
  );
  t.deepEqual(
    guest.disks?.map(({ serial }) => serial),
    buses.map((_, n) => diskSerial(id, n)),
  );
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const nodes = await other.execute<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true });
  other.close();
  const names = new Set(nodes.map((node) => node['node-name']));
  t.true(buses.every((_, n) => names.has(`disk${n}`) && names.has(`file${n}`)));
});

test('runs a guest with as many disks and NICs as the API accepts', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  const disks = await Promise.all(
    Array.from({ length: 26 }, async (_, n) => ({ source: n === 0 ? source : await host.makeDisk(id, n) })),
  );
  const nics = Array.from({ length: 32 }, () => ({ network: 'user' }));
  const { guest } = await host.call('Create', { id, ...TINY, memory: 64, disks, nics });
  t.is(guest.state, 'running');
  t.is(guest.disks?.at(-1)?.device, 'vdz');
});

test('runs NICs of many models side by side', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const models = ['', 'virtio', 'e1000', 'e1000e', 'rtl8139', 'vmxnet3', 'pcnet', 'ne2k_pci', 'i82551'];
  const nics = models.map((model) => ({ network: 'user', model }));
  t.is((await host.call('Create', { id, ...TINY, nics })).guest.state, 'running');
});

test('passes paths with commas, quotes and blanks to QEMU unchanged', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const plain = await host.makeDisk(id);
  const source = join(dirname(plain), 'a,b "c" d.raw');
  await writeFile(source, Buffer.alloc(2 ** 20));
  t.is((await host.call('Create', { id, ...TINY, disks: [{ source }] })).guest.state, 'running');
});

test('never probes a raw disk, even one that begins like qcow2', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const plain = await host.makeDisk(id);
  const source = join(dirname(plain), 'disk-1.raw');
  await symlink(plain, `${source}.link`);
  await writeFile(source, Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(2 ** 20)]));
  await host.call('Create', { id, ...TINY, disks: [{ source }] });
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const nodes = await other.execute<{ 'node-name': string; drv: string }[]>('query-named-block-nodes', {
    flat: true,
  });
  other.close();
  t.is(nodes.find((node) => node['node-name'] === 'disk0')?.drv, 'raw');
});

test('rejects disks outside the guest’s own folder', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const other = host.newId();
  const foreign = await host.makeDisk(other);
  const own = await host.makeDisk(id);
  const link = join(dirname(own), 'link.qcow2');
  await symlink(foreign, link);
  const outside = join(host.dir, id);
  await mkdir(outside);
  await writeFile(join(outside, 'x.raw'), '');
  const sources = ['/etc/passwd', foreign, link, `${dirname(own)}/../${other}/disk-0.qcow2`, 'disk-0.qcow2'];
  for (const source of [...sources, join(outside, 'x.raw')]) {
    await assertRejects(t, host, { id, ...TINY, disks: [{ source }] }, /^disk 0: .*not a disk of this guest/);
  }
});

test('names a missing disk', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = join(dirname(await host.makeDisk(id)), 'gone.qcow2');
  await assertRejects(t, host, { id, ...TINY, disks: [{ source }] }, /^disk 0: .*gone\.qcow2 does not exist/);
  await assertRejects(t, host, { id, ...TINY, disks: [{ size: 1 }] }, /^disk 0: "source" is missing/);
});

test('rejects invalid hardware with a message that says what is wrong', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ memory: 60_000_000 }, /"memory" must be at most this host's \d+ MB, got 60000000/],
    [{ cpu: 1000 }, /"cpu" must be at most QEMU's limit of 288 vCPUs, got 1000/],
    [{ disks: [{ source, bus: 'floppy' }] }, /disk 0: unknown bus "floppy": use one of virtio/],
    [
      {
        disks: [
          { source, device: 'vda' },
          { source, device: 'vda' },
        ],
      },
      /disk 1: the guest calls this disk vdb, not vda/,
    ],
    [{ nics: [{ network: 'user', model: 'foo' }] }, /NIC 0: this QEMU has no network card "foo": use one of/],
    [{ nics: [{ network: 'br-none-7' }] }, /NIC 0: no bridge "br-none-7" on this host: create it/],
    [{ nics: [{ network: 'lo' }] }, /NIC 0: no bridge "lo"/],
    [{ nics: [{ network: '' }] }, /NIC 0: "network" is missing/],
    [{ nics: [{ network: 'user', vlans: [7] }] }, /NIC 0: network user has no VLANs/],
    [{ nics: [{ network: 'user', mac: '01:00:00:00:00:01' }] }, /NIC 0: .* multicast/],
    [
      {
        nics: [
          { network: 'user', name: 'a' },
          { network: 'user', name: 'a' },
        ],
      },
      /NIC 1: NIC 0 already has the name a/,
    ],
  ];
  for (const [more, message] of cases) await assertRejects(t, host, { id, ...TINY, ...more }, message);
});

test('reports what QEMU rejects in its own words, and leaves nothing behind', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = join(dirname(await host.makeDisk(id)), 'broken.qcow2');
  await writeFile(source, 'not a qcow2');
  await assertRejects(t, host, { id, ...TINY, disks: [{ source }] }, /QEMU did not start guest .*qcow2/);
});

test('restores the earlier definition after a failed create', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  const source = join(dirname(await host.makeDisk(id)), 'broken.qcow2');
  await writeFile(source, 'not a qcow2');
  await t.throwsAsync(host.call('Create', { id, ...TINY, disks: [{ source }] }));
  t.is((await host.call('Run', { id })).guest.state, 'running');
});
