import { diskNumber, diskSerial } from '../../../model/disks.js';
import { diskNodeName } from '../../shared/guest-run-dir.js';
import { diskBootIndex } from './boot-index.js';
import type { Definition } from './definition.js';
import { blockdev, device, type Properties, pciAddress, placeOf, SLOT } from './device-options.js';
import type { DiskImage } from './disks.js';
import { driveCount } from './drives.js';
import type { MachineIdentity } from './identity.js';
import { diskId, gapDevices, isAhci, rowsOf, SEED_ID, seedBus } from './places.js';

/** The ports of q35's built-in AHCI controller, and of each additional one. */
const AHCI_PORTS = 6;
/** The first id after those of 26 disks. */
const SEED_SCSI_ID = 26;

/** What a layout decides about disks. */
interface DiskLayout {
  /** How many of the built-in AHCI controller's ports disks can have. */
  builtInPorts: number;
  /** Whether the SCSI controller exists without a disk on it, so that one can be plugged in. */
  hasScsi: boolean;
  /** Otherwise a disk has a queue for each vCPU, and its state does not load with another number of vCPUs. */
  queues: { virtio?: Properties; scsi?: Properties };
}

const QUEUES = 4;

const LAYOUT_1: DiskLayout = { builtInPorts: AHCI_PORTS, hasScsi: false, queues: {} };

const LAYOUT_2: Omit<DiskLayout, 'builtInPorts'> = {
  hasScsi: true,
  queues: { virtio: { 'num-queues': QUEUES }, scsi: { num_queues: QUEUES } },
};

const diskLayout = (machine: MachineIdentity): DiskLayout =>
  // The last ports are the CD drives'.
  machine.layout === 1 ? LAYOUT_1 : { ...LAYOUT_2, builtInPorts: AHCI_PORTS - driveCount(machine) };

/** Numbers the AHCI ports of all controllers, without those that disks cannot have. */
const ahciPort = (position: number, { builtInPorts }: DiskLayout): number =>
  position < builtInPorts ? position : position + AHCI_PORTS - builtInPorts;

const ahciBus = (port: number): string => {
  const controller = Math.floor(port / AHCI_PORTS);
  const prefix = controller === 0 ? 'ide' : `ahci${controller}`;
  return `${prefix}.${port % AHCI_PORTS}`;
};

/** A disk of a guest as QEMU gets it. */
export interface AttachedDisk {
  guestId: string;
  bus: string;
  number: number;
}

/**
 * Returns the properties of a disk's device, with its driver.
 * @param position its position in its row; a disk on a root port has none
 */
export const diskDevice = (
  { guestId, bus, number }: AttachedDisk,
  machine: MachineIdentity,
  position = 0,
): Properties & { driver: string; id: string } => {
  const layout = diskLayout(machine);
  const id = diskId(bus, number);
  const drive = diskNodeName(number);
  const common = {
    id,
    drive,
    serial: diskSerial(guestId, number),
    bootindex: diskBootIndex(machine, number),
  };
  if (bus === 'virtio') {
    const place = placeOf(machine, id, SLOT.disks, position);
    return { driver: 'virtio-blk-pci', ...common, ...layout.queues.virtio, ...place };
  }
  if (bus === 'scsi') return { driver: 'scsi-hd', ...common, bus: 'scsi0.0', 'scsi-id': number };
  return { driver: 'ide-hd', ...common, bus: ahciBus(ahciPort(position, layout)) };
};

/** Names the backing file explicitly, so that QEMU never opens the one that the disk's header names. */
const backingNode = (filename: string | undefined): Properties | null => {
  if (filename === undefined) return null;
  const file = { driver: 'file', filename, 'read-only': true };
  return { driver: 'qcow2', 'read-only': true, backing: null, file };
};

/** The name of the node under a disk's: its file or block device. */
export const fileNodeName = (number: number): string => `file${number}`;

/** Returns the block nodes of a disk, `file<number>` and on top of it `disk<number>`. */
export const diskNodes = (image: DiskImage, number: number): [file: Properties, disk: Properties] => [
  {
    driver: image.protocol,
    'node-name': fileNodeName(number),
    filename: image.filename,
    discard: 'unmap',
  },
  {
    driver: image.format,
    'node-name': diskNodeName(number),
    file: fileNodeName(number),
    discard: 'unmap',
    ...(image.format === 'qcow2' ? { backing: backingNode(image.backing) } : {}),
  },
];

/**
 * Attaches the seed after all disks, so that it changes none of their names in the guest. Kernels for virtual machines,
 * such as Debian's cloud kernel, have no SATA driver, so a SATA CD drive would not work for all guests.
 */
const seedArgs = (path: string, bus: string, layout: DiskLayout, position = 0): string[] => {
  const file = { driver: 'file', filename: path, 'read-only': true };
  const node = blockdev({ driver: 'raw', 'node-name': 'seed', 'read-only': true, file });
  const common = { id: SEED_ID, drive: 'seed' };
  if (bus === 'virtio') {
    const place = pciAddress(SLOT.seed);
    return [...node, ...device('virtio-blk-pci', { ...common, ...layout.queues.virtio, ...place })];
  }
  if (bus === 'scsi') {
    return [...node, ...device('scsi-cd', { ...common, bus: 'scsi0.0', 'scsi-id': SEED_SCSI_ID })];
  }
  return [...node, ...device('ide-cd', { ...common, bus: ahciBus(ahciPort(position, layout)) })];
};

/**
 * Builds the controllers that disks need besides the built-in one.
 * @param buses those of the disks and of the seed
 * @param lastAhci the last position on AHCI ports that one of them has; -1 for none
 */
const controllerArgs = (buses: readonly string[], layout: DiskLayout, lastAhci: number): string[] => {
  const args =
    layout.hasScsi || buses.includes('scsi')
      ? device('virtio-scsi-pci', { id: 'scsi0', ...layout.queues.scsi, ...pciAddress(SLOT.scsi) })
      : [];
  const controllers = lastAhci < 0 ? 0 : Math.floor(ahciPort(lastAhci, layout) / AHCI_PORTS) + 1;
  for (let k = 1; k < controllers; k += 1)
    args.push(...device('ich9-ahci', { id: `ahci${k}`, ...pciAddress(SLOT.ahci, k - 1) }));
  return args;
};

/** Whether a guest of this hardware has a SCSI controller to plug disks into. */
export const hasScsi = (machine: MachineIdentity): boolean => diskLayout(machine).hasScsi;

/** Builds the options of a guest's disks and of its seed, if it has one. */
export const diskArgs = (
  definition: Definition,
  machine: MachineIdentity,
  images: readonly DiskImage[],
  seed?: string,
): string[] => {
  const layout = diskLayout(machine);
  const rows = rowsOf(machine, definition.disks);
  const disks = definition.disks.map((disk, index): AttachedDisk & { position: number | undefined } => {
    const { bus } = disk;
    const number = diskNumber(disk, index);
    return { guestId: definition.id, bus, number, position: rows[diskId(bus, number)] };
  });
  const busOfSeed = seed === undefined ? [] : [seedBus(machine, definition.disks)];
  const positionsOn = (isOn: (bus: string) => boolean): number[] =>
    disks.flatMap(({ bus, position }) => (isOn(bus) && position !== undefined ? [position] : []));
  const ahci = [...positionsOn(isAhci), ...(busOfSeed.some(isAhci) ? [rows[SEED_ID] ?? 0] : [])];
  const args = [
    ...controllerArgs([...disks.map(({ bus }) => bus), ...busOfSeed], layout, Math.max(-1, ...ahci)),
    ...gapDevices(
      SLOT.disks,
      positionsOn((bus) => bus === 'virtio'),
    ),
  ];
  for (const [index, { position, ...disk }] of disks.entries()) {
    const image = images[index];
    if (!image) throw new RangeError(`disk ${disk.number} has no image`);
    const { driver, ...properties } = diskDevice(disk, machine, position);
    args.push(...diskNodes(image, disk.number).flatMap(blockdev), ...device(driver, properties));
  }
  if (seed !== undefined)
    args.push(...seedArgs(seed, seedBus(machine, definition.disks), layout, rows[SEED_ID]));
  return args;
};
