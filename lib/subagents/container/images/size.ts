import type { ImageInfo } from 'dockerode';
import type { Engine } from '../engine.js';

/**
 * Returns the size of an inspected image in bytes, as lists report it. Docker's containerd store reports another one when
 * an image is inspected: that of its packed layers, without the unpacked ones.
 */
export const sizeOf = async (
  engine: Engine,
  { Id, Size }: Pick<ImageInfo, 'Id' | 'Size'>,
): Promise<number> => {
  if ((await engine.kind()) !== 'docker') return Size;
  const images = await engine.list((docker) => docker.listImages());
  return images.find((image) => image.Id === Id)?.Size ?? Size;
};
