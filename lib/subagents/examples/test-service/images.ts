import type { Image } from '../../../model/image.js';
import type { ImageRequest, ImageResponse } from '../../../rpc/protocol/image-messages.js';
import type { StorageSpaceResponse } from '../../../rpc/protocol/space-messages.js';

/** Describes an image with the given id. */
type DescribeImage = (id: string) => Image;

const SIZE_MB = 1024;

export const diskImage: DescribeImage = (id) => ({
  id,
  type: 'kvm',
  volume: `images/${id}`,
  snapshot: `images/${id}@base`,
  size: SIZE_MB,
  status: 'complete',
});

export const containerImage: DescribeImage = (id) => ({
  id,
  type: 'container',
  size: SIZE_MB,
  status: 'complete',
});

export const listImages =
  (describe: DescribeImage, ids: readonly string[]) =>
  (_request: ImageRequest): ImageResponse => ({ images: ids.map(describe) });

/** Serves get, fetch and delete: returns the named image, since every image exists. */
export const oneImage =
  (describe: DescribeImage) =>
  ({ id }: ImageRequest): ImageResponse => ({ images: id === '' ? [] : [describe(id)] });

/** Returns a new disk made from an image, named `dest`. */
export const cloneImage = ({ id, dest }: ImageRequest) => ({
  volumes: [{ id: dest || `${id}-clone`, size: SIZE_MB, device: `/dev/mistify/${dest || `${id}-clone`}` }],
});

export const storageSpace = (): StorageSpaceResponse => ({
  size: 100 * SIZE_MB,
  free: 60 * SIZE_MB,
  used: 40 * SIZE_MB,
  leftovers: [],
});
