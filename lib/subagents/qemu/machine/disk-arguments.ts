import { diskSerial } from '../../../model/disks.js';
import { diskNodeName } from '../../shared/guest-run-dir.js';
import type { Definition } from './definition.js';
import { blockdev, device, type Properties, pciAddress, placeOf, SLOT } from './device-options.js';
import type { DiskImage } from './disks.js';
import type { MachineIdentity } from './identity.js';

/** The ports of q35's built-in AHCI controller, and of each additional one. */
const AHCI_PORTS = 6;
/** The first id after those of 26 disks. */
const SEED_SCSI_ID = 26;

const isAhci = (bus: string): boolean => bus === 'sata' || bus === 'ide';

const sharesController = (bus: string) => (other: string) => (isAhci(bus) ? isAhci(other) : other === bus);

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

const LAYOUT_2: DiskLayout = {
  // The last port is the CD drive's.
  builtInPorts: AHCI_PORTS - 1,
  hasScsi: true,
  queues: { virtio: { 'num-queues': QUEUES }, scsi: { num_queues: QUEUES } },
};

const diskLayout = ({ layout }: MachineIdentity): DiskLayout => (layout === 1 ? LAYOUT_1 : LAYOUT_2);

/** Numbers the AHCI ports of all controllers, without those that disks cannot have. */
const ahciPort = (position: number, { builtInPorts }: DiskLayout): number =>
  position < builtInPorts ? position : position + AHCI_PORTS - builtInPorts;

const ahciBus = (port: number): string => {
  const controller = Math.floor(port / AHCI_PORTS);
  const prefix = controller === 0 ? 'ide' : `ahci${controller}`;
  return `${prefix}.${port % AHCI_PORTS}`;
};

/**
 * Builds a disk's device.
 * @param position the disk's number among those on the same controller or PCI slots; see `pciAddress`
 */
const diskDevice = (
  guestId: string,
  machine: MachineIdentity,
  bus: string,
  n: number,
  position: number,
): string[] => {
  const layout = diskLayout(machine);
  const id = `${bus}-disk${n}`;
  const common = { id, drive: diskNodeName(n), serial: diskSerial(guestId, n), bootindex: n + 1 };
  if (bus === 'virtio') {
    const place = placeOf(machine, id, SLOT.disks, position);
    return device('virtio-blk-pci', { ...common, ...layout.queues.virtio, ...place });
  }
  if (bus === 'scsi') return device('scsi-hd', { ...common, bus: 'scsi0.0', 'scsi-id': n });
  return device('ide-hd', { ...common, bus: ahciBus(ahciPort(position, layout)) });
};

/** Names the backing file explicitly, so that QEMU never opens the one that the disk's header names. */
const backingNode = (filename: string | undefined): Properties | null => {
  if (filename === undefined) return null;
  const file = { driver: 'file', filename, 'read-only': true };
  return { driver: 'qcow2', 'read-only': true, backing: null, file };
};

/** Builds a disk's block nodes, `disk<n>` on top of `file<n>`. */
const diskNodes = (image: DiskImage, n: number): string[] => [
  ...blockdev({
    driver: image.protocol,
    'node-name': `file${n}`,
    filename: image.filename,
    discard: 'unmap',
  }),
  ...blockdev({
    driver: image.format,
    'node-name': diskNodeName(n),
    file: `file${n}`,
    discard: 'unmap',
    ...(image.format === 'qcow2' ? { backing: backingNode(image.backing) } : {}),
  }),
];

/** The seed shares the bus of the first disk: the guest boots from that, so it has a driver for it. */
const seedBus = (disks: Definition['disks']): string => disks[0]?.bus ?? 'virtio';

/**
 * Attaches the seed after all disks, so that it changes none of their names in the guest. Kernels for virtual machines,
 * such as Debian's cloud kernel, have no SATA driver, so a SATA CD drive would not work for all guests.
 */
const seedArgs = (path: string, bus: string, layout: DiskLayout, position: number): string[] => {
  const file = { driver: 'file', filename: path, 'read-only': true };
  const node = blockdev({ driver: 'raw', 'node-name': 'seed', 'read-only': true, file });
  const common = { id: 'seed0', drive: 'seed' };
  if (bus === 'virtio') {
    const place = pciAddress(SLOT.seed);
    return [...node, ...device('virtio-blk-pci', { ...common, ...layout.queues.virtio, ...place })];
  }
  if (bus === 'scsi') {
    return [...node, ...device('scsi-cd', { ...common, bus: 'scsi0.0', 'scsi-id': SEED_SCSI_ID })];
  }
  return [...node, ...device('ide-cd', { ...common, bus: ahciBus(ahciPort(position, layout)) })];
};

/** Builds the controllers that disks on these buses need besides the built-in one. */
const controllerArgs = (buses: readonly string[], layout: DiskLayout): string[] => {
  const args =
    layout.hasScsi || buses.includes('scsi')
      ? device('virtio-scsi-pci', { id: 'scsi0', ...layout.queues.scsi, ...pciAddress(SLOT.scsi) })
      : [];
  const count = buses.filter(isAhci).length;
  const controllers = count === 0 ? 0 : Math.floor(ahciPort(count - 1, layout) / AHCI_PORTS) + 1;
  for (let k = 1; k < controllers; k += 1)
    args.push(...device('ich9-ahci', { id: `ahci${k}`, ...pciAddress(SLOT.ahci, k - 1) }));
  return args;
};

/** Builds the options of a guest's disks and of its seed, if it has one. */
export const diskArgs = (
  definition: Definition,
  machine: MachineIdentity,
  images: readonly DiskImage[],
  seed?: string,
): string[] => {
  const layout = diskLayout(machine);
  const buses = definition.disks.map(({ bus }) => bus);
  const all = seed === undefined ? buses : [...buses, seedBus(definition.disks)];
  const args = controllerArgs(all, layout);
  for (const [n, bus] of buses.entries()) {
    const image = images[n];
    if (!image) throw new RangeError(`disk ${n} has no image`);
    const position = buses.slice(0, n).filter(sharesController(bus)).length;
    args.push(...diskNodes(image, n), ...diskDevice(definition.id, machine, bus, n, position));
  }
  if (seed !== undefined)
    args.push(...seedArgs(seed, seedBus(definition.disks), layout, buses.filter(isAhci).length));
  return args;
};
