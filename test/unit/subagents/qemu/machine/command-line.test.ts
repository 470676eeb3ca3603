import test from 'ava';
import { createLayout } from '../../../../../lib/subagents/qemu/layout.js';
import { commandLine } from '../../../../../lib/subagents/qemu/machine/command-line.js';
import type { Definition } from '../../../../../lib/subagents/qemu/machine/definition.js';
import { escapeCommas } from '../../../../../lib/subagents/qemu/machine/device-options.js';
import type { DiskImage } from '../../../../../lib/subagents/qemu/machine/disks.js';
import { earlierMachine, type MachineIdentity } from '../../../../../lib/subagents/qemu/machine/identity.js';
import type { Switch } from '../../../../../lib/subagents/shared/network/switch.js';

const id = '7d3c8f0e-52c1-4c29-9c58-1f1f6d3a2b10';
const empty: Definition = { id, memory: 64, cpu: 2, nics: [], disks: [] };
const layout1 = earlierMachine('pc-q35-7.2', 'tcg');
const layout2: MachineIdentity = { ...layout1, layout: 2 };
const blank = { device: '', size: 1, volume: '', image: '', source: '' };
const lan = { address: '', netmask: '', gateway: '', vlans: [] };

const build = (
  definition: Partial<Definition> = {},
  images: DiskImage[] = [],
  more: {
    machine?: MachineIdentity;
    accel?: 'kvm' | 'tcg';
    sandbox?: boolean;
    switches?: Switch[];
    seed?: string;
  } = {},
): string[] => {
  const { machine = layout1, accel = 'tcg', sandbox = true, switches = [], seed } = more;
  const paths = createLayout({ dir: '/d', runDir: '/r' }).paths(id);
  return commandLine({ ...empty, ...definition }, paths, {
    machine,
    accel,
    sandbox,
    images,
    media: [],
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
  t.is(optionValue(args, '-smp'), '2,sockets=1,cores=2,threads=1,maxcpus=2');
  t.is(optionValue(args, '-machine'), 'pc-q35-7.2');
  t.is(optionValue(args, '-uuid'), id);
});

test('gives a guest its CPU model, with all features of the model', (t) => {
  const cpuOf = (cpuModel: string, accel: 'kvm' | 'tcg'): string | undefined =>
    optionValue(build({}, [], { machine: { ...layout1, cpuModel }, accel }), '-cpu');
  t.is(cpuOf('host', 'kvm'), 'host');
  t.is(cpuOf('host', 'tcg'), 'max');
  t.is(cpuOf('max', 'tcg'), 'max');
  t.is(cpuOf('Nehalem', 'tcg'), 'Nehalem,enforce');
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
    { id: 'virtio-disk0', drive: 'disk0', bootindex: 101 },
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
  const addressesOf = (machine: MachineIdentity): unknown[] =>
    json(build({ disks, nics }, images, { machine, seed: '/s' }), '-device')
      .map(({ addr }) => addr)
      .filter((addr) => addr !== undefined);
  for (const [machine, more] of [
    [layout1, 0],
    [layout2, 16 + 1],
  ] as const) {
    const addresses = addressesOf(machine);
    t.is(new Set(addresses).size, addresses.length);
    t.is(addresses.length, 26 + 32 + 4 + 1 + more);
  }
});

/** Where each device of a guest with all kinds of disks is; a layout that has guests may never change. */
const places = (machine: MachineIdentity): string[] => {
  const buses = ['virtio', 'scsi', 'virtio', ...Array.from({ length: 7 }, () => 'sata')];
  const disks = buses.map((bus) => ({ ...blank, bus }));
  const images = disks.map((): DiskImage => ({ filename: '/x', format: 'raw', protocol: 'file' }));
  const nics = ['virtio', 'e1000'].map((model) => ({ ...lan, network: 'user', model }));
  return json(build({ disks, nics }, images, { machine, seed: '/s' }), '-device')
    .filter(({ driver }) => driver !== 'pcie-root-port')
    .map(({ driver, id: name, bus, addr, 'scsi-id': scsiId }) =>
      [driver, name, bus, addr, scsiId].filter((part) => part !== undefined).join(' '),
    );
};

const LAYOUT_1 = [
  'pvpanic',
  'isa-serial',
  'virtio-serial-pci channel0 pcie.0 2.0',
  'virtserialport channel0.0',
  'VGA video0 pcie.0 1.0',
  'virtio-balloon-pci balloon0 pcie.0 3.0',
  'virtio-rng-pci pcie.0 4.0',
  'virtio-scsi-pci scsi0 pcie.0 5.0',
  'ich9-ahci ahci1 pcie.0 18.0',
  'virtio-blk-pci virtio-disk0 pcie.0 10.0',
  'scsi-hd scsi-disk1 scsi0.0 1',
  'virtio-blk-pci virtio-disk2 pcie.0 10.1',
  'ide-hd sata-disk3 ide.0',
  'ide-hd sata-disk4 ide.1',
  'ide-hd sata-disk5 ide.2',
  'ide-hd sata-disk6 ide.3',
  'ide-hd sata-disk7 ide.4',
  'ide-hd sata-disk8 ide.5',
  'ide-hd sata-disk9 ahci1.0',
  'virtio-blk-pci seed0 pcie.0 14.0',
  'virtio-net-pci nic0 pcie.0 8.0',
  'e1000 nic1 pcie.0 8.1',
];

test('layout 1 has every device where guests of earlier versions have it', (t) => {
  t.deepEqual(places(layout1), LAYOUT_1);
  const args = build({}, [], { machine: layout1 });
  t.false(args.some((value) => /pcie-root-port|num.queues|ICH9-LPC|ide-cd|virtio-scsi/.test(value)));
});

test('layout 2 has the devices of layout 1 in their places, but for the CD drive’s port', (t) => {
  const expected = LAYOUT_1.map((place) => {
    if (place === 'ide-hd sata-disk8 ide.5') return 'ide-hd sata-disk8 ahci1.0';
    return place === 'ide-hd sata-disk9 ahci1.0' ? 'ide-hd sata-disk9 ahci1.1' : place;
  });
  expected.splice(expected.indexOf('virtio-scsi-pci scsi0 pcie.0 5.0'), 0, 'ide-cd cd0 ide.5');
  t.deepEqual(places(layout2), expected);
});

test('layout 2 has 16 root ports, a SCSI controller, an empty CD drive and fixed numbers of queues', (t) => {
  const disks = [{ ...blank, bus: 'virtio' }];
  const args = build({ disks }, [{ filename: '/x', format: 'raw', protocol: 'file' }], {
    machine: layout2,
    seed: '/s',
  });
  const devices = json(args, '-device');
  const ports = devices.filter(({ driver }) => driver === 'pcie-root-port');
  t.deepEqual(
    ports.map(({ id: name, addr, chassis, slot }) => [name, addr, chassis, slot]),
    Array.from({ length: 16 }, (_, n) => [`rp${n}`, `${n < 8 ? '1c' : '1d'}.${n % 8}`, n + 1, n + 1]),
  );
  t.deepEqual(
    devices.find(({ driver }) => driver === 'ide-cd'),
    { driver: 'ide-cd', id: 'cd0', bus: 'ide.5', bootindex: 201 },
  );
  const queues = devices.filter(({ driver }) => /^virtio-(blk|scsi)/.test(String(driver)));
  t.deepEqual(
    queues.map((each) => each['num-queues'] ?? each.num_queues),
    [4, 4, 4],
  );
  t.is(optionValue(args, '-global'), 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=on');
});

test('puts a device with a root port of its own there', (t) => {
  const disks = [{ ...blank, bus: 'virtio' }];
  const nics = [{ ...lan, network: 'user', model: 'virtio' }];
  const machine = { ...layout2, ports: { 'virtio-disk0': 3, nic0: 15 } };
  const args = build({ disks, nics }, [{ filename: '/x', format: 'raw', protocol: 'file' }], { machine });
  const busOf = (name: string): unknown => json(args, '-device').find(({ id: each }) => each === name)?.bus;
  t.is(busOf('virtio-disk0'), 'rp3');
  t.is(busOf('nic0'), 'rp15');
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

const DEVICES = { tablet: true, video: 'std', watchdog: 'none', vmgenid: true } as const;

test('gives a guest the small devices of its hardware, in slots of their own', (t) => {
  const generation = '2d9b7c34-3c50-4d5a-9d35-b0a1c1a5a6c8';
  const args = build({}, [], { machine: { ...layout2, devices: DEVICES, generation } });
  const devices = json(args, '-device');
  t.like(
    devices.find(({ driver }) => driver === 'qemu-xhci'),
    { id: 'usb0', addr: '16.0' },
  );
  t.like(
    devices.find(({ driver }) => driver === 'usb-tablet'),
    { bus: 'usb0.0' },
  );
  t.is(devices.find(({ driver }) => driver === 'vmgenid')?.guid, generation);
  t.false(args.includes('watchdog=none'));
});

test('adds nothing to a guest of a version that recorded no small devices', (t) => {
  const drivers = json(build({}, [], { machine: layout2 }), '-device').map(({ driver }) => driver);
  t.true(drivers.includes('VGA'));
  for (const driver of ['qemu-xhci', 'usb-tablet', 'i6300esb', 'vmgenid']) t.false(drivers.includes(driver));
});

test('gives a guest the graphics card and the watchdog that it asked for', (t) => {
  const driversOf = (change: Partial<MachineIdentity['devices']>): string[] => {
    const args = build({}, [], { machine: { ...layout2, devices: { ...DEVICES, ...change } } });
    return [...json(args, '-device').map(({ driver }) => String(driver)), ...args];
  };
  t.true(driversOf({ video: 'virtio' }).includes('virtio-vga'));
  t.false(driversOf({ video: 'none' }).some((driver) => /vga/i.test(driver)));
  t.true(driversOf({ watchdog: 'poweroff' }).includes('i6300esb'));
  t.true(driversOf({ watchdog: 'poweroff' }).includes('watchdog=poweroff'));
});

test('gives NICs an option ROM and a place after the disks only where the guest boots from the network', (t) => {
  const nics = [{ ...lan, network: 'user', model: 'virtio', mac: '52:54:00:00:00:01' }];
  const nicOf = (change: Partial<MachineIdentity>): Record<string, unknown> | undefined =>
    json(build({ nics }, [], { machine: { ...layout2, ...change } }), '-device').find(
      ({ id }) => id === 'nic0',
    );
  t.like(nicOf({}), { romfile: '', bootindex: undefined });
  t.like(nicOf({ networkBoot: true }), { romfile: undefined, bootindex: 301 });
  t.like(nicOf({ networkBoot: true, firmware: 'uefi' }), { romfile: '', bootindex: 301 });
});
