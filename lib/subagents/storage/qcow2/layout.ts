import { join } from 'node:path';
import { IMAGES_DIR, SUFFIX } from '../../shared/qcow2/file-name.js';

/** The directories of a store. */
export interface Qcow2Layout {
  images: string;
  guests: string;
  work: string;
}

export const layoutOf = (dir: string): Qcow2Layout => ({
  images: join(dir, IMAGES_DIR),
  guests: join(dir, 'guests'),
  work: join(dir, 'tmp'),
});

export const imageVolume = (id: string): string => `images/${id}`;

export const guestDir = ({ guests }: Qcow2Layout, guest: string): string => join(guests, guest);

export const diskFileName = (index: number): string => `disk-${index}${SUFFIX}`;

export const diskVolume = (guest: string, index: number): string => `guests/${guest}/disk-${index}`;
