import type { ImageInfo } from 'dockerode';
import type { Image } from '../../../model/image.js';
import { toMb } from '../../../model/units.js';
import type { Engine } from '../engine.js';
import { isConflict } from '../errors.js';
import { engineReference } from './names.js';
import { namesOf, toImage } from './to-image.js';

const bare = (imageId: string): string => imageId.replace('sha256:', '');

/** The ids of the images of all containers, of guests or not. */
const usedIds = async (engine: Engine): Promise<Set<string>> => {
  const containers = await engine.list((docker) => docker.listContainers({ all: true }));
  return new Set(containers.map(({ ImageID }) => bare(ImageID)));
};

const unused = async (engine: Engine): Promise<ImageInfo[]> => {
  const images = await engine.list((docker) => docker.listImages());
  // Read later, so that a container made meanwhile keeps its image.
  const used = await usedIds(engine);
  return images.filter(({ Id }) => !used.has(bare(Id)));
};

/** The names of an image, or its id if it has none. */
const idsOf = (image: ImageInfo): string[] => {
  const names = namesOf(image);
  return names.length > 0 ? names : [bare(image.Id)];
};

/** Lists the images that no container was made from. An image without a name has its id as such. */
export const unusedImages = async (engine: Engine): Promise<Image[]> =>
  (await unused(engine)).flatMap((image) => idsOf(image).map((id) => toImage(id, image.Size)));

interface Pruned {
  images: Image[];
  message: string;
}

/**
 * Deletes the images that no container was made from, name by name.
 * @param exclusively runs work while nothing else changes the image of that name
 */
export const pruneImages = async (
  engine: Engine,
  exclusively: <T>(id: string, work: () => Promise<T>) => Promise<T>,
  signal: AbortSignal,
): Promise<Pruned> => {
  const images: Image[] = [];
  let bytes = 0;
  /** @returns false when it is in use now, or another image needs it */
  const remove = async (id: string, isNamed: boolean): Promise<boolean> => {
    const name = isNamed ? engineReference(id) : id;
    try {
      return (await engine.find((docker) => docker.getImage(name).remove())) !== undefined;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  };
  for (const image of await unused(engine)) {
    const isNamed = namesOf(image).length > 0;
    const gone = [];
    for (const id of idsOf(image)) {
      signal.throwIfAborted();
      if (await exclusively(isNamed ? id : image.Id, () => remove(id, isNamed)))
        gone.push(toImage(id, image.Size));
    }
    images.push(...gone);
    if (gone.length === idsOf(image).length) bytes += image.Size;
  }
  return { images, message: `deleted ${images.length} images, of ${toMb(bytes)} MB together` };
};
