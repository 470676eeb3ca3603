import { join } from 'node:path';

/** Linux's NAME_MAX. */
const MAX_FILE_NAME_BYTES = 255;
const SUFFIX = '.qcow2';

/** Where things are under the store's directory. */
export interface Layout {
  images: string;
  guests: string;
  work: string;
}

export const layoutOf = (dir: string): Layout => ({
  images: join(dir, 'images'),
  guests: join(dir, 'guests'),
  work: join(dir, 'tmp'),
});

/**
 * The name of an image's file: its id, slashes and colons included, percent-encoded.
 * @throws when that would be too long
 */
export const imageFileName = (id: string): string => {
  const name = `${encodeURIComponent(id)}${SUFFIX}`;
  if (name.length > MAX_FILE_NAME_BYTES)
    throw new Error(
      `image id ${id}: too long; each of / : @ counts as three characters of ${MAX_FILE_NAME_BYTES}`,
    );
  return name;
};

/** The path of an image. @throws as `imageFileName` */
export const imagePath = ({ images }: Layout, id: string): string => join(images, imageFileName(id));

/** The id of the image that a file in `images` holds; `undefined` for a stray file. */
export const imageIdOf = (fileName: string): string | undefined => {
  if (!fileName.endsWith(SUFFIX)) return undefined;
  try {
    return decodeURIComponent(fileName.slice(0, -SUFFIX.length));
  } catch {
    return undefined;
  }
};

export const imageVolume = (id: string): string => `images/${id}`;

export const guestDir = ({ guests }: Layout, guest: string): string => join(guests, guest);

export const diskFileName = (index: number): string => `disk-${index}${SUFFIX}`;

export const diskVolume = (guest: string, index: number): string => `guests/${guest}/disk-${index}`;
