import type { Definition } from './definition.js';
import { blockdev, device, type Properties, pciAddress, SLOT } from './device-options.js';
import type { DiskImage } from './disks.js';

/** The controller that is part of q35 has as many ports, and so has each further one. */
const AHCI_PORTS = 6;
/** Behind those of 26 disks. */
const SEED_SCSI_ID = 26;

const onAhci = (bus: string): boolean => bus === 'sata' || bus === 'ide';

const ofSameKind = (bus: string) => (other: string) => (onAhci(bus) ? onAhci(other) : other === bus);

const ahciBus = (port: number): string => {
  const controller = Math.floor(port / AHCI_PORTS);
  const prefix = controller === 0 ? 'ide' : `ahci${controller}`;
  return `${prefix}.${port % AHCI_PORTS}`;
};

/** @param position among the disks of its kind: a guest passes by a PCI slot that has no function 0 */
const diskDevice = (bus: string, n: number, position: number): string[] => {
  const common = { id: `${bus}-disk${n}`, drive: `disk${n}`, bootindex: n + 1 };
  if (bus === 'virtio') return device('virtio-blk-pci', { ...common, ...pciAddress(SLOT.disks, position) });
  if (bus === 'scsi') return device('scsi-hd', { ...common, bus: 'scsi0.0', 'scsi-id': n });
  return device('ide-hd', { ...common, bus: ahciBus(position) });
};

/** Said outright, so that the name in the disk's own header is never opened. */
const backingNode = (filename: string | undefined): Properties | null => {
  if (filename === undefined) return null;
  const file = { driver: 'file', filename, 'read-only': true };
  return { driver: 'qcow2', 'read-only': true, backing: null, file };
};

/** The nodes that the storage sub-agent knows: `disk<n>` on top of `file<n>`. */
const diskNodes = (image: DiskImage, n: number): string[] => [
  ...blockdev({
    driver: image.protocol,
    'node-name': `file${n}`,
    filename: image.filename,
    discard: 'unmap',
  }),
  ...blockdev({
    driver: image.format,
    'node-name': `disk${n}`,
    file: `file${n}`,
    discard: 'unmap',
    ...(image.format === 'qcow2' ? { backing: backingNode(image.backing) } : {}),
  }),
];

/** The bus of the first disk: what a guest boots from it has a driver for. */
const seedBus = (disks: Definition['disks']): string => disks[0]?.bus ?? 'virtio';

/**
 * Behind all disks, so that none of them gets another name in the guest. Not a CD drive on SATA for all:
 * kernels for virtual machines, Debian's among them, have no driver for that.
 */
const seedArgs = (path: string, bus: string, ahciPort: number): string[] => {
  const file = { driver: 'file', filename: path, 'read-only': true };
  const node = blockdev({ driver: 'raw', 'node-name': 'seed', 'read-only': true, file });
  const common = { id: 'seed0', drive: 'seed' };
  if (bus === 'virtio')
    return [...node, ...device('virtio-blk-pci', { ...common, ...pciAddress(SLOT.seed) })];
  if (bus === 'scsi') {
    return [...node, ...device('scsi-cd', { ...common, bus: 'scsi0.0', 'scsi-id': SEED_SCSI_ID })];
  }
  return [...node, ...device('ide-cd', { ...common, bus: ahciBus(ahciPort) })];
};

/** A guest's disks, and its seed if it has one. */
export const diskArgs = (definition: Definition, images: readonly DiskImage[], seed?: string): string[] => {
  const buses = definition.disks.map(({ bus }) => bus);
  const all = seed === undefined ? buses : [...buses, seedBus(definition.disks)];
  const controllers = Math.ceil(all.filter(onAhci).length / AHCI_PORTS);
  const args = all.includes('scsi')
    ? device('virtio-scsi-pci', { id: 'scsi0', ...pciAddress(SLOT.scsi) })
    : [];
  for (let k = 1; k < controllers; k += 1) {
    args.push(...device('ich9-ahci', { id: `ahci${k}`, ...pciAddress(SLOT.ahci, k - 1) }));
  }
  for (const [n, bus] of buses.entries()) {
    const image = images[n];
    if (!image) throw new RangeError(`disk ${n} has no image`);
    const position = buses.slice(0, n).filter(ofSameKind(bus)).length;
    args.push(...diskNodes(image, n), ...diskDevice(bus, n, position));
  }
  if (seed !== undefined)
    args.push(...seedArgs(seed, seedBus(definition.disks), buses.filter(onAhci).length));
  return args;
};
