import { Refusal } from '../../../rpc/protocol/refusal.js';

/** Linux's NAME_MAX. */
const MAX_FILE_NAME_BYTES = 255;

/** The directory of images, beside the directory of the guests' disks. */
export const IMAGES_DIR = 'images';

/** How the names of all qcow2 files end, images and disks alike. */
export const SUFFIX = '.qcow2';

/**
 * The name of an image's file: its id, slashes and colons included, percent-encoded. Each refresh of an image adds
 * another file, since disks build on the earlier one: `ID+2.qcow2` and so on.
 * @throws when the name would be longer than the file system allows
 */
export const imageFileName = (id: string, version = 1): string => {
  const name = `${encodeURIComponent(id)}${version > 1 ? `+${version}` : ''}${SUFFIX}`;
  if (name.length > MAX_FILE_NAME_BYTES)
    throw new Refusal(
      'invalid',
      `image id ${id}: too long: its file name would have ${name.length} characters, at most ${MAX_FILE_NAME_BYTES} are allowed; each of / : @ counts as three`,
    );
  return name;
};

/** Percent-encoded ids contain no `+`. */
const IMAGE_FILE = /^([^+]*)(?:\+([1-9]\d*))?\.qcow2$/;

/** Returns the image, and its version, that a file has the name of; `undefined` for a stray file. */
export const parseImageFileName = (fileName: string): { id: string; version: number } | undefined => {
  const [, encoded, version = '1'] = IMAGE_FILE.exec(fileName) ?? [];
  if (encoded === undefined) return undefined;
  try {
    return { id: decodeURIComponent(encoded), version: Number(version) };
  } catch {
    return undefined;
  }
};
