import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { QmpClient } from '../../../lib/qmp/client.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

/** A create that has to fail with these words, and to leave nothing. */
const refuses = async (
  t: ExecutionContext,
  host: QemuHost,
  guest: Record<string, unknown> & { id: string },
  message: RegExp,
): Promise<void> => {
  await t.throwsAsync(host.call('Create', guest), { message });
  t.false(existsSync(host.runFile(guest.id)));
  t.false(existsSync(host.stateFile(guest.id)));
};

test('disks sit on every bus, under the node names that the storage sub-agent uses', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const buses = ['', 'scsi', 'sata', 'ide', 'sata', 'sata', 'sata', 'sata', 'sata'];
  const disks = await Promise.all(
    buses.map(async (bus, n) => ({ bus, source: await host.makeDisk(id, n), size: 16 })),
  );
  const { guest } = await host.call('Create', { id, ...TINY, disks });
  t.deepEqual(
    guest.disks?.map(({ device }) => device),
    ['vda', 'sda', 'sdb', 'sdc', 'sdd', 'sde', 'sdf', 'sdg', 'sdh'],
  );
  const other = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const nodes = await other.execute<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true });
  other.close();
  const names = new Set(nodes.map((node) => node['node-name']));
  t.true(buses.every((_, n) => names.has(`disk${n}`) && names.has(`file${n}`)));
});

test('a guest may have as many disks and nics as the API takes', async (t) => {
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

test('network cards of many models run side by side', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const models = ['', 'virtio', 'e1000', 'e1000e', 'rtl8139', 'vmxnet3', 'pcnet', 'ne2k_pci', 'i82551'];
  const nics = models.map((model) => ({ network: 'user', model }));
  t.is((await host.call('Create', { id, ...TINY, nics })).guest.state, 'running');
});

test('paths with commas, quotes and blanks reach QEMU unharmed', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const plain = await host.makeDisk(id);
  const source = join(dirname(plain), 'a,b "c" d.raw');
  await writeFile(source, Buffer.alloc(2 ** 20));
  t.is((await host.call('Create', { id, ...TINY, disks: [{ source }] })).guest.state, 'running');
});

test('a raw disk is never probed, whatever its first bytes say', async (t) => {
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

test('disks outside the own folder of the guest are refused', async (t) => {
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
    await refuses(t, host, { id, ...TINY, disks: [{ source }] }, /^disk 0: .*not a disk of this guest/);
  }
});

test('a disk that is not there is named', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = join(dirname(await host.makeDisk(id)), 'gone.qcow2');
  await refuses(t, host, { id, ...TINY, disks: [{ source }] }, /^disk 0: .*gone\.qcow2 is not there/);
  await refuses(t, host, { id, ...TINY, disks: [{ size: 1 }] }, /^disk 0: it has no source/);
});

test('nonsense is refused with words that say what is wrong', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = await host.makeDisk(id);
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ memory: 60_000_000 }, /memory of 60000000 MB is more than this host has/],
    [{ cpu: 1000 }, /1000 vCPUs are more than QEMU's limit of 288/],
    [{ disks: [{ source, bus: 'floppy' }] }, /disk 0: there is no bus "floppy": use one of virtio/],
    [
      {
        disks: [
          { source, device: 'vda' },
          { source, device: 'vda' },
        ],
      },
      /disk 1: disk 0 is vda already/,
    ],
    [{ nics: [{ network: 'user', model: 'foo' }] }, /nic 0: this QEMU has no network card "foo": use one of/],
    [{ nics: [{ network: 'br-none-7' }] }, /nic 0: no bridge "br-none-7" on this host: create it/],
    [{ nics: [{ network: 'lo' }] }, /nic 0: no bridge "lo"/],
    [{ nics: [{ network: '' }] }, /nic 0: "network" is missing/],
    [{ nics: [{ network: 'user', vlans: [7] }] }, /nic 0: network user has no VLANs/],
    [{ nics: [{ network: 'user', mac: '01:00:00:00:00:01' }] }, /nic 0: .* multicast/],
    [
      {
        nics: [
          { network: 'user', name: 'a' },
          { network: 'user', name: 'a' },
        ],
      },
      /nic 1: nic 0 already has the name a/,
    ],
  ];
  for (const [more, message] of cases) await refuses(t, host, { id, ...TINY, ...more }, message);
});

test('what QEMU itself refuses is told in its words, and nothing is left', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const source = join(dirname(await host.makeDisk(id)), 'broken.qcow2');
  await writeFile(source, 'not a qcow2');
  await refuses(t, host, { id, ...TINY, disks: [{ source }] }, /QEMU did not start guest .*qcow2/);
});

test('a failing create of a guest that was defined before keeps that definition', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  const source = join(dirname(await host.makeDisk(id)), 'broken.qcow2');
  await writeFile(source, 'not a qcow2');
  await t.throwsAsync(host.call('Create', { id, ...TINY, disks: [{ source }] }));
  t.is((await host.call('Run', { id })).guest.state, 'running');
});
