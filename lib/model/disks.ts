import type { Disk, Guest } from './guest.js';

const BLANK_DISK: Disk = { bus: '', device: '', size: 0, volume: '', image: '', source: '' };

/**
 * Lists the disks that a virtual machine asks for. Its `image` is cloned for the first disk, unless a disk clones it
 * already; without `disks` it is the only disk.
 * @returns `undefined` when no disk can take the image, because the first one clones another
 */
export const requestedDisks = ({ image, disks = [] }: Guest): Disk[] | undefined => {
  const [first, ...others] = disks;
  if (!first) return image ? [{ ...BLANK_DISK, image }] : [];
  if (!image || disks.some((disk) => disk.image === image)) return disks;
  return first.image ? undefined : [{ ...first, image }, ...others];
};

/** Explains why `requestedDisks` returned nothing. */
export const unusedImage = ({ image, disks = [] }: Guest): string =>
  `image ${image} would not be used, because disk 0 clones ${disks[0]?.image}: leave "image" out, or give a disk that image`;

/** The buses whose disks Linux calls `sda`, `sdb`, …, in the order in which it happens to find them. */
const SD_BUSES: ReadonlySet<string> = new Set(['scsi', 'sata', 'ide']);

/** The parts of a disk that determine its name in the guest. An empty bus is virtio. */
export type NamedDisk = Pick<Disk, 'bus' | 'device'>;

const nthVirtioDisk = (n: number): string => `vd${String.fromCharCode('a'.charCodeAt(0) + n)}`;

/**
 * Returns the device name that Linux gives each disk at every boot. It numbers virtio disks in their order, but finds
 * several scsi, sata and ide disks in any order: only a single one of these has a certain name. On an unknown bus, a
 * disk has the name it was given.
 * @returns `undefined` for a disk without a certain name
 */
export const certainNames = (disks: readonly NamedDisk[]): (string | undefined)[] => {
  const sdDisks = disks.filter(({ bus }) => SD_BUSES.has(bus)).length;
  let virtioDisks = 0;
  return disks.map(({ bus, device }) => {
    if (SD_BUSES.has(bus)) return sdDisks === 1 ? 'sda' : undefined;
    if (bus !== '' && bus !== 'virtio') return device || undefined;
    virtioDisks += 1;
    return nthVirtioDisk(virtioDisks - 1);
  });
};

const SERIAL_ID_DIGITS = 12;

/** Derives the serial number of a guest's disk. It has at most 19 characters: virtio and ATA cut it at 20. */
export const diskSerial = (guestId: string, index: number): string =>
  `disk${index}-${guestId.replaceAll('-', '').slice(0, SERIAL_ID_DIGITS)}`;

/** How to name each disk: by its device name where that is certain, by its serial number otherwise. */
export const diskLabels = (guestId: string, disks: readonly NamedDisk[]): string[] => {
  const names = certainNames(disks);
  return disks.map(({ device }, index) => {
    const name = names[index];
    return name !== undefined && (device === '' || device === name) ? name : diskSerial(guestId, index);
  });
};

/**
 * Finds a disk by its number, its serial number or its device name.
 * @returns its number; `unknown` when no disk is called that, `uncertain` when the guest may give that name to another
 * disk
 */
export const findDisk = (
  guestId: string,
  disks: readonly NamedDisk[],
  wanted: string,
): number | 'unknown' | 'uncertain' => {
  const labels = diskLabels(guestId, disks);
  const index = labels.findIndex((label, n) => [label, String(n), diskSerial(guestId, n)].includes(wanted));
  if (index !== -1) return index;
  return disks.some(({ device }) => device === wanted) ? 'uncertain' : 'unknown';
};

/** Explains that `findDisk` found no certain disk. */
export const uncertainDisk = (guestId: string, disks: readonly NamedDisk[], wanted: string): string =>
  `guest ${guestId} may give the name ${wanted} to another disk: use the number or the serial, one of ${listDisks(guestId, disks)}`;

/** Lists a guest's disks for a message, each by number and label. */
export const listDisks = (guestId: string, disks: readonly NamedDisk[]): string =>
  diskLabels(guestId, disks)
    .map((label, index) => `${index} (${label})`)
    .join(', ');
