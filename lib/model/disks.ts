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
