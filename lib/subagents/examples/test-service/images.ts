import type { Image } from '../../../model/image.js';
import type { ImageRequest, ImageResponse } from '../../../rpc/protocol/messages.js';

/** What both stores say of an image that they have, or have fetched. */
type Store = (id: string) => Image;

const SIZE_MB = 1024;

export const diskImage: Store = (id) => ({
  id,
  type: 'kvm',
  volume: `images/${id}`,
  snapshot: `images/${id}@base`,
  size: SIZE_MB,
  status: 'complete',
});

export const containerImage: Store = (id) => ({ id, type: 'container', size: SIZE_MB, status: 'complete' });

export const listImages =
  (store: Store, ids: readonly string[]) =>
  (_request: ImageRequest): ImageResponse => ({ images: ids.map(store) });

/** Get, fetch and delete all answer the image asked for: every image is there already. */
export const oneImage =
  (store: Store) =>
  ({ id }: ImageRequest): ImageResponse => ({ images: id === '' ? [] : [store(id)] });

/** A new disk made from an image, named after `dest`. */
export const cloneImage = ({ id, dest }: ImageRequest) => ({
  volumes: [{ id: dest || `${id}-clone`, size: SIZE_MB, device: `/dev/mistify/${dest || `${id}-clone`}` }],
});
