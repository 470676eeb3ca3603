import type { ImageInfo, ImageInspectInfo } from 'dockerode';
import { imageKey, Locks } from '../../../async/keyed-locks.js';
import type { Image } from '../../../model/image.js';
import type { ImageRequest, ImageResponse } from '../../../rpc/protocol/image-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { type CallContext, isRepeated } from '../../../rpc/server/call-context.js';
import type { SourceOptions } from '../../shared/download/source.js';
import { noSuchImage } from '../../shared/errors.js';
import { GUEST_LABEL } from '../definition.js';
import type { Engine } from '../engine.js';
import { EngineError, NoEngineError } from '../errors.js';
import { AddedNames } from './added-names.js';
import type { Credentials } from './credentials.js';
import { loadArchive } from './load.js';
import { engineReference } from './names.js';
import { pruneImages, unusedImages } from './prune.js';
import { findImage, pullImage } from './pull.js';
import { sizeOf } from './size.js';
import { namesOf, toImage } from './to-image.js';

export interface ImageDeps extends Pick<SourceOptions, 'guard'> {
  engine: Engine;
  /** Directories of files that may be loaded as images. */
  importDirs: string[];
  credentials: Credentials;
}

type ImageMethod = (request: ImageRequest, call: CallContext) => Promise<ImageResponse>;

/** Returns `none` when no engine responds. */
const orNone = async <T>(result: Promise<T>, none: T): Promise<T> => {
  try {
    return await result;
  } catch (error) {
    if (error instanceof NoEngineError) return none;
    throw error;
  }
};

const listImages = async (engine: Engine): Promise<Image[]> => {
  const images = await engine.list((docker) => docker.listImages());
  return images.flatMap((image) => namesOf(image).map((name) => toImage(name, image.Size)));
};

const getImage = async (engine: Engine, id: string): Promise<Image> => {
  const info = await findImage(engine, id);
  if (!info) throw noSuchImage(id);
  return toImage(id, await sizeOf(engine, info));
};

const bare = (imageId: string): string => imageId.replace('sha256:', '');

/**
 * Lists the guests that need an image under the name `id`: those created from that name, or, if it is the image's last
 * name, all guests created from the image.
 */
const guestsOfImage = async (
  engine: Engine,
  id: string,
  { Id, RepoTags }: Pick<ImageInfo, 'Id' | 'RepoTags'>,
): Promise<string[]> => {
  const filters = { label: [GUEST_LABEL] };
  const containers = await engine.list((docker) => docker.listContainers({ all: true, filters }));
  const isLastName = (RepoTags ?? []).length <= 1;
  return containers
    .filter(({ ImageID }) => bare(ImageID) === bare(Id))
    .filter(({ Image }) => isLastName || engineReference(Image) === engineReference(id))
    .flatMap(({ Labels }) => Labels[GUEST_LABEL] ?? []);
};

const deleteImage = async (engine: Engine, id: string): Promise<Image> => {
  const info = await findImage(engine, id);
  if (!info) throw noSuchImage(id);
  const guests = await guestsOfImage(engine, id, info);
  if (guests.length > 0)
    throw new Refusal('conflict', `image ${id} is in use by these guests: ${guests.join(', ')}`);
  const size = await sizeOf(engine, info);
  await engine.find((docker) => docker.getImage(engineReference(id)).remove());
  return toImage(id, size);
};

const hasSums = ({ sha256, sha512, sums }: ImageRequest): boolean => Boolean(sha256 || sha512 || sums);

/** Refuses formats of disk images and, for an image from a registry, sums and formats, which only archives have. */
const checkRequest = (request: ImageRequest): void => {
  const { id, source, format, platform } = request;
  if (source && platform)
    throw new Refusal(
      'invalid',
      `image ${id}: a platform is for an image of a registry; an archive has its own`,
    );
  if (format && format !== 'rootfs')
    throw new Refusal(
      'invalid',
      `image ${id}: "${format}" is a format of disk images; a container image may be a "rootfs"`,
    );
  if (!source && (format || hasSums(request)))
    throw new Refusal(
      'invalid',
      `image ${id}: sums and a format are for an archive with a "source"; an image of a registry is checked by the ` +
        'digest in its id: NAME@sha256:DIGEST',
    );
};

/**
 * Removes an image that has lost its last name to a newer one, unless a container needs it.
 * @returns whether it is gone
 */
const removeReplaced = async (engine: Engine, imageId: string): Promise<boolean> => {
  const image = await engine.find((docker) => docker.getImage(imageId).inspect());
  if (!image) return true;
  if ((image.RepoTags ?? []).length > 0) return false;
  try {
    await engine.find((docker) => docker.getImage(imageId).remove());
    return true;
  } catch (error) {
    // The engine refuses while a container was made from it.
    if (error instanceof EngineError && error.status === 409) return false;
    throw error;
  }
};

const describeRefresh = async (engine: Engine, id: string, before: ImageInspectInfo): Promise<string> => {
  const after = await findImage(engine, id);
  if (after && bare(after.Id) === bare(before.Id)) return `image ${id} is up to date`;
  return (await removeReplaced(engine, before.Id))
    ? `image ${id} was refreshed`
    : `image ${id} was refreshed; the earlier image stays for the guests, or under the other names, that use it`;
};

/** @returns what happened, unless the image was added */
const loadImage = async (
  { engine, importDirs, guard, credentials }: ImageDeps,
  request: ImageRequest,
  { signal, progress, job }: CallContext,
): Promise<string | undefined> => {
  const { id, source, refresh, platform } = request;
  checkRequest(request);
  const known = await findImage(engine, id);
  if (known && hasSums(request) && !isRepeated({ job }) && !refresh)
    throw new Refusal(
      'conflict',
      `image ${id} already exists, made from a file with unknown sums: delete it first, or refresh it`,
    );
  if (known && !hasSums(request) && !refresh)
    return `image ${id} exists already and was not fetched again: ask for a refresh to get a newer one`;
  if (source) await loadArchive(engine, id, source, request, { signal, progress, importDirs, guard });
  else await pullImage(engine, id, { signal, progress, credentials, platform });
  return known && refresh ? describeRefresh(engine, id, known) : undefined;
};

/**
 * The image methods of `MDocker`. Without an engine, the list is empty instead of an error, because the agent merges it
 * with the list of disk images.
 */
export const imageMethods = (deps: ImageDeps): Record<string, ImageMethod> => {
  const { engine } = deps;
  const locks = new Locks();
  const names = new AddedNames(engine);
  /** Runs one at a time for each name of an image; a slow load delays no other image. */
  const exclusively = <T>(id: string, work: () => Promise<T>): Promise<T> =>
    locks.run(imageKey(engineReference(id)), work);
  return {
    ListImages: async () => ({ images: await orNone(listImages(engine), []) }),

    GetImage: async ({ id }) => {
      const image = await orNone<Image | undefined>(getImage(engine, id), undefined);
      if (!image) throw noSuchImage(id);
      return { images: [image] };
    },

    LoadImage: (request, call) =>
      exclusively(request.id, async () => {
        const message = await names.watch(async () => {
          const outcome = await loadImage(deps, request, call);
          if (!(await names.add(request.id))) await loadImage(deps, request, call);
          return outcome;
        });
        const images = [await getImage(engine, request.id)];
        return message === undefined ? { images } : { images, message };
      }),

    UnusedImages: async () => ({ images: await unusedImages(engine) }),

    PruneImages: (_request, { signal }) => names.watch(() => pruneImages(engine, exclusively, signal)),

    DeleteImage: async ({ id }) => ({
      images: [
        await exclusively(id, () =>
          names.watch(async () => {
            names.forget(id);
            return deleteImage(engine, id);
          }),
        ),
      ],
    }),
  };
};
