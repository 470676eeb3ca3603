import test from 'ava';
import { createLayout } from '../../../../../lib/subagents/qemu/layout.js';
import { commandLine } from '../../../../../lib/subagents/qemu/machine/command-line.js';
import type { Definition } from '../../../../../lib/subagents/qemu/machine/definition.js';
import { escapeCommas } from '../../../../../lib/subagents/qemu/machine/device-options.js';
import type { DiskImage } from '../../../../../lib/subagents/qemu/machine/disks.js';
import type { Switch } from '../../../../../lib/subagents/shared/network/switch.js';

const id = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const empty: Definition = { id, memory: 64, cpu: 2, nics: [], disks: [] };
const blank = { device: '', size: 1, volume: '', image: '', source: '' };
const lan = { address: '', netmask: '', gateway: '', vlans: [] };

const build = (
  definition: Partial<Definition> = {},
  images: DiskImage[] = [],
  more: { accel?: 'kvm' | 'tcg'; sandbox?: boolean; switches?: Switch[]; seed?: string } = {},
): string[] => {
  const { accel = 'tcg', sandbox = true, switches = [], seed } = more;
  const paths = createLayout({ dir: '/d', runDir: '/r' }).paths(id);
  return commandLine({ ...empty, ...definition }, paths, {
    accel,
    sandbox,
    images,
    switches,
    ...(seed ? { seed } : {}),
    serialLog: '/s,log',
    nicModels: ['virtio-net-pci', 'e1000'],
  });
};

const optionValue = (args: string[], option: string): string | undefined => args[args.indexOf(option) + 1];

const json = (args: string[], option: string): Record<string, unknown>[] =>
  args
    .filter((_, index) => args[index - 1] === option)
    .filter((value) => value.startsWith('{'))
    .map((value) => JSON.parse(value) as Record<string, unknown>);

test('sets the guest’s memory, vCPUs, machine and UUID', (t) => {
  const args = build();
  t.is(optionValue(args, '-m'), '64M');
  t.is(optionValue(args, '-smp'), '2');
  t.is(optionValue(args, '-machine'), 'q35');
  t.is(optionValue(args, '-uuid'), id);
});

test('gives KVM the host’s CPU and TCG all features', (t) => {
  t.is(optionValue(build({}, [], { accel: 'kvm' }), '-cpu'), 'host');
  t.is(optionValue(build({}, [], { accel: 'tcg' }), '-cpu'), 'max');
});

test('enables the sandbox where it works', (t) => {
  t.true(build().includes('-sandbox'));
  t.false(build({}, [], { sandbox: false }).includes('-sandbox'));
});

test('builds disk n as the node disk<n> on top of the node file<n>', (t) => {
  const disks = [{ ...blank, bus: 'virtio' }];
  const args = build({ disks }, [{ filename: '/x,y.qcow2', format: 'qcow2', protocol: 'file' }]);
  t.like(json(args, '-blockdev'), [
    { driver: 'file', 'node-name': 'file0', filename: '/x,y.qcow2' },
    { driver: 'qcow2', 'node-name': 'disk0', file: 'file0' },
  ]);
  t.like(
    json(args, '-device').find(({ driver }) => driver === 'virtio-blk-pci'),
    { id: 'virtio-disk0', drive: 'disk0', bootindex: 1 },
  );
});

test('names a qcow2 disk’s backing file explicitly, or null for none', (t) => {
  const disks = [{ ...blank, bus: 'virtio' }];
  const nodeOf = (backing?: string): Record<string, unknown> | undefined => {
    const image: DiskImage = {
      filename: '/x',
      format: 'qcow2',
      protocol: 'file',
      ...(backing ? { backing } : {}),
    };
    return json(build({ disks }, [image]), '-blockdev').find(({ driver }) => driver === 'qcow2');
  };
  t.is(nodeOf()?.backing, null);
  t.like(nodeOf('/image')?.backing, {
    driver: 'qcow2',
    'read-only': true,
    backing: null,
    file: { filename: '/image', 'read-only': true },
  });
});

test('uses socket paths relative to the run directory, and a password for VNC', (t) => {
  const args = build();
  t.true(args.some((value) => value.includes('path=qmp.sock,')));
  t.false(args.some((value) => value.includes(`path=/r/`)));
  t.regex(optionValue(args, '-vnc') ?? '', /^127\.0\.0\.1:.*,password=on$/);
});

test('puts the seventh SATA disk on a second controller', (t) => {
  const disks = Array.from({ length: 7 }, () => ({ ...blank, bus: 'sata' }));
  const images = disks.map((): DiskImage => ({ filename: '/x', format: 'raw', protocol: 'file' }));
  const devices = json(build({ disks }, images), '-device');
  t.deepEqual(
    devices.filter(({ driver }) => driver === 'ide-hd').map(({ bus }) => bus),
    ['ide.0', 'ide.1', 'ide.2', 'ide.3', 'ide.4', 'ide.5', 'ahci1.0'],
  );
  t.is(devices.filter(({ driver }) => driver === 'ich9-ahci').length, 1);
});

test('connects a NIC on a bridge to its tap without scripts', (t) => {
  const nics = [{ ...lan, network: 'br0', model: 'e1000', mac: '52:54:00:00:00:01', device: 'mt0' }];
  const args = build({ nics });
  t.deepEqual(json(args, '-netdev'), [
    { type: 'tap', id: 'hostnet0', ifname: 'mt0', script: 'no', downscript: 'no' },
  ]);
  t.like(
    json(args, '-device').find(({ id: name }) => name === 'nic0'),
    { driver: 'e1000', netdev: 'hostnet0', mac: '52:54:00:00:00:01', romfile: '' },
  );
});

test('gives every device its own PCI address at the maximum number of devices', (t) => {
  const disks = Array.from({ length: 26 }, () => ({ ...blank, bus: 'virtio' }));
  const images = disks.map((): DiskImage => ({ filename: '/x', format: 'raw', protocol: 'file' }));
  const nics = Array.from({ length: 32 }, () => ({ ...lan, network: 'user', model: 'virtio' }));
  const addresses = json(build({ disks, nics }, images, { seed: '/s' }), '-device')
    .map(({ addr }) => addr)
    .filter((addr) => addr !== undefined);
  t.is(new Set(addresses).size, addresses.length);
  t.is(addresses.length, 26 + 32 + 4 + 1);
});

test('fills function 0 of every PCI slot, whatever the disks’ buses', (t) => {
  const functionsOf = (...buses: string[]): string[] => {
    const disks = buses.map((bus) => ({ ...blank, bus }));
    const images = disks.map((): DiskImage => ({ filename: '/x', format: 'raw', protocol: 'file' }));
    return json(build({ disks }, images, { seed: '/s' }), '-device')
      .map(({ addr }) => addr)
      .filter((addr) => typeof addr === 'string');
  };
  const virtio = (count: number): string[] => Array.from({ length: count }, () => 'virtio');
  for (const buses of [
    ['sata', 'virtio'],
    ['scsi', 'ide', 'virtio', 'sata', 'virtio'],
    [...virtio(8), 'sata', ...virtio(7), 'scsi', ...virtio(2)],
  ]) {
    const used = functionsOf(...buses);
    for (const addr of used) t.true(used.includes(`${addr.split('.')[0]}.0`), `${buses}: ${addr}`);
    t.is(new Set(used).size, used.length);
  }
});

test('doubles commas in options that take no JSON', (t) => {
  t.is(escapeCommas('/a,b,,c'), '/a,,b,,,,c');
  const serial = build().find((value) => value.includes('logfile='));
  t.true(serial?.includes('logfile=/s,,log,'));
});

test('disables the virtio header on a switch without offloads', (t) => {
  const nics = [{ ...lan, network: 'ovs0', model: '', mac: '52:54:00:00:00:01', device: 'mt0' }];
  const target: Switch = {
    keepsPorts: false,
    offload: false,
    checkVlans: async () => {},
    addPort: async () => {},
  };
  t.like(json(build({ nics }, [], { switches: [target] }), '-netdev'), [{ type: 'tap', vnet_hdr: false }]);
  t.is(
    json(build({ nics }, [], { switches: [{ ...target, offload: true }] }), '-netdev')[0]?.vnet_hdr,
    undefined,
  );
});

test('attaches the seed read-only, after the disks, on the first disk’s bus', (t) => {
  const seedOf = (...buses: string[]): Record<string, unknown> | undefined => {
    const disks = buses.map((bus) => ({ ...blank, bus }));
    const images = disks.map((): DiskImage => ({ filename: '/x', format: 'raw', protocol: 'file' }));
    const args = build({ disks }, images, { seed: '/s,1.iso' });
    t.like(json(args, '-blockdev').at(-1), { 'node-name': 'seed', 'read-only': true });
    return json(args, '-device').find(({ id: name }) => name === 'seed0');
  };
  t.like(seedOf(), { driver: 'virtio-blk-pci', addr: '14.0' });
  t.like(seedOf('virtio', 'sata'), { driver: 'virtio-blk-pci' });
  t.like(seedOf('scsi'), { driver: 'scsi-cd' });
  t.like(seedOf('sata', 'ide'), { driver: 'ide-cd', bus: 'ide.2' });
  t.like(seedOf(...Array.from({ length: 6 }, () => 'sata')), { driver: 'ide-cd', bus: 'ahci1.0' });
});
