import { Refusal } from '../../../rpc/protocol/refusal.js';

/** Linux's NAME_MAX. */
const MAX_FILE_NAME_BYTES = 255;

/** The directory of images, beside the directory of the guests' disks. */
export const IMAGES_DIR = 'images';

/** How the names of all qcow2 files end, images and disks alike. */
export const SUFFIX = '.qcow2';

/**
 * The name of an image's file: its id, slashes and colons included, percent-encoded.
 * @throws when the name would be longer than the file system allows
 */
export const imageFileName = (id: string): string => {
  const name = `${encodeURIComponent(id)}${SUFFIX}`;
  if (name.length > MAX_FILE_NAME_BYTES)
    throw new Refusal(
      'invalid',
      `image id ${id}: too long: its file name would have ${name.length} characters, at most ${MAX_FILE_NAME_BYTES} are allowed; each of / : @ counts as three`,
    );
  return name;
};
