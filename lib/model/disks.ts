// The browser console imports this file too: keep it free of Node and of other imports.

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
export type NamedDisk = Pick<Disk, 'bus' | 'device' | 'number'>;

/** Returns the number that a disk keeps for its life: its position in the list unless it has another. */
export const diskNumber = ({ number }: Pick<Disk, 'number'>, index: number): number => number ?? index;

/** Writes down the numbers of all disks, before their list changes. */
export const numbered = <Each extends Pick<Disk, 'bus' | 'number'>>(
  disks: readonly Each[],
): (Each & { number: number })[] =>
  disks.map((disk, index) => ({ ...disk, number: diskNumber(disk, index) }));

/** Whether the list of disks has changed since the guest's creation. */
const hasChanged = (disks: readonly NamedDisk[]): boolean => disks.some(({ number }) => number !== undefined);

const nthVirtioDisk = (n: number): string => `vd${String.fromCharCode('a'.charCodeAt(0) + n)}`;

/**
 * Returns the device name that Linux gives each disk at every boot. It numbers virtio disks in their order, but finds
 * several scsi, sata and ide disks in any order: only a single one of these has a certain name. On an unknown bus, a
 * disk has the name it was given. Once disks were added or removed, only those before the first change are certain: the
 * others change their names at the next boot.
 * @returns `undefined` for a disk without a certain name
 */
export const certainNames = (disks: readonly NamedDisk[]): (string | undefined)[] => {
  const changed = hasChanged(disks);
  const sdDisks = disks.filter(({ bus }) => SD_BUSES.has(bus)).length;
  let virtioDisks = 0;
  let isInOrder = true;
  return disks.map((disk, index) => {
    const { bus, device } = disk;
    isInOrder &&= diskNumber(disk, index) === index;
    if (SD_BUSES.has(bus)) return sdDisks === 1 && !changed ? 'sda' : undefined;
    if (bus !== '' && bus !== 'virtio') return device || undefined;
    virtioDisks += 1;
    return isInOrder ? nthVirtioDisk(virtioDisks - 1) : undefined;
  });
};

const SERIAL_ID_DIGITS = 12;

/** Derives the serial number of a guest's disk. It has at most 19 characters: virtio and ATA cut it at 20. */
export const diskSerial = (guestId: string, number: number): string =>
  `disk${number}-${guestId.replaceAll('-', '').slice(0, SERIAL_ID_DIGITS)}`;

/** How to name each disk: by its device name where that is certain, by its serial number otherwise. */
export const diskLabels = (guestId: string, disks: readonly NamedDisk[]): string[] => {
  const names = certainNames(disks);
  return disks.map((disk, index) => {
    const name = names[index];
    // Sub-agents that number disks leave out a name that is not certain; others may not know names at all.
    const isTrusted = disk.device === name || (disk.device === '' && disk.number === undefined);
    return name !== undefined && isTrusted ? name : diskSerial(guestId, diskNumber(disk, index));
  });
};

/** The names that Linux gives to disks. */
const DEVICE_NAME = /^(vd|sd|hd|xvd)[a-z]$/;

/**
 * Finds a disk by its number, its serial number or its device name.
 * @returns its position in the list; `unknown` when no disk is called that, `uncertain` when the guest may give that
 * name to another disk
 */
export const findDisk = (
  guestId: string,
  disks: readonly NamedDisk[],
  wanted: string,
): number | 'unknown' | 'uncertain' => {
  const labels = diskLabels(guestId, disks);
  const position = numbered(disks).findIndex(({ number }, index) =>
    [labels[index], String(number), diskSerial(guestId, number)].includes(wanted),
  );
  if (position !== -1) return position;
  const isUnsure = hasChanged(disks) && DEVICE_NAME.test(wanted) && disks.some(({ device }) => device === '');
  return isUnsure || disks.some(({ device }) => device === wanted) ? 'uncertain' : 'unknown';
};

/** Explains that `findDisk` found no certain disk. */
export const uncertainDisk = (guestId: string, disks: readonly NamedDisk[], wanted: string): string =>
  `guest ${guestId} may give the name ${wanted} to another disk: use the number or the serial, one of ${listDisks(guestId, disks)}`;

/** Lists a guest's disks for a message, each by number and label. */
export const listDisks = (guestId: string, disks: readonly NamedDisk[]): string =>
  diskLabels(guestId, disks)
    .map((label, index) => `${diskNumber(disks[index] ?? {}, index)} (${label})`)
    .join(', ');
