import { imageKey, type Locks } from '../../../async/keyed-locks.js';
import { describeMistakes } from '../../../model/describe-mistakes.js';
import type { Image, ImageContent } from '../../../model/image.js';
import { imageIdSchema } from '../../../model/image-id.js';
import { toMb } from '../../../model/units.js';
import type { ImageRequest, ImageResponse } from '../../../rpc/protocol/image-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { type CallContext, isRepeated, type ReportProgress } from '../../../rpc/server/call-context.js';
import { noSuchImage } from '../../shared/errors.js';
import { checkGuestImage, type GuestImageDeps, makeGuestImage } from '../clones/guest-image.js';
import type { DiskStore } from '../disk-store.js';
import { explainNoSpace, requireReadable } from '../errors.js';
import { describeLeftovers } from '../leftovers.js';
import type { StoredImage } from '../stored.js';
import type { Contents } from './contents.js';
import type { FetchRequest, ImageFetcher } from './fetcher.js';
import type { FetchedImage } from './install.js';
import type { Sums } from './sums.js';
import type { Uploads } from './uploads.js';

export interface ImageDeps {
  store: DiskStore;
  locks: Locks;
  fetcher: ImageFetcher;
  sums: Sums;
  contents: Contents;
  uploads: Uploads;
  /** What an image of a guest is made with. */
  guests: GuestImageDeps;
}

type ImageMethod = (request: ImageRequest, call: CallContext) => Promise<ImageResponse>;

const toImage = (
  { id, virtualSize, usedBytes, volume, unreadable }: StoredImage,
  content: ImageContent | undefined,
): Image => ({
  id,
  type: 'kvm',
  volume,
  size: toMb(virtualSize),
  ...(usedBytes === undefined ? {} : { used: toMb(usedBytes) }),
  status: unreadable === undefined ? 'complete' : 'unreadable',
  ...content,
});

const respondWith =
  (contents: Contents) =>
  (...images: StoredImage[]): ImageResponse => ({
    images: images.map((image) => toImage(image, contents.find(image.id))),
  });

const checkId = (id: string): void => {
  const { error } = imageIdSchema.validate(id);
  if (error) throw new Refusal('invalid', describeMistakes(error));
};

const getImage = async (store: DiskStore, id: string): Promise<StoredImage> => {
  checkId(id);
  const image = await store.findImage(id);
  if (!image) throw noSuchImage(id);
  return image;
};

const deleteImage = async ({ store, sums, contents }: ImageDeps, id: string): Promise<ImageResponse> => {
  const image = await getImage(store, id);
  const guests = await store.guestsOfImage(id);
  if (guests.length > 0)
    throw new Refusal('conflict', `image ${id} is in use by the disks of these guests: ${guests.join(', ')}`);
  const message = describeLeftovers(await store.deleteImage(id));
  await sums.remove(id);
  const response = respondWith(contents)(image);
  await contents.forget(id);
  return { ...response, ...(message === undefined ? {} : { message }) };
};

const cloneImage = async (
  { store, sums, contents }: ImageDeps,
  id: string,
  dest: string,
): Promise<StoredImage> => {
  checkId(dest);
  requireReadable(await getImage(store, id));
  if (await store.findImage(dest))
    throw new Refusal('conflict', `image ${dest} already exists: choose another name`);
  // The sum of an image whose file was removed by hand may be left.
  await sums.remove(dest);
  const copy = await explainNoSpace(`image ${dest}`, store, () => store.copyImage(id, dest));
  await contents.learn(dest);
  return copy;
};

/** @throws when this store cannot keep the image */
const toFetchRequest = (request: ImageRequest, uploads: Uploads): FetchRequest => {
  const { id, type } = request;
  checkId(id);
  if (type === 'container')
    throw new Refusal('invalid', `image ${id}: this store keeps disk images, not container images`);
  const { upload, origin: _origin, format, ...rest } = request;
  const source = upload ? uploads.pathOf(id) : request.source;
  if (format === 'rootfs')
    throw new Refusal('invalid', `image ${id}: "rootfs" is a format of container images`);
  return { ...rest, source, format };
};

/** Finds the image that an earlier attempt of the same call has made of an upload, which is gone since. */
const madeBefore = async (
  { store, uploads }: ImageDeps,
  { id, upload }: ImageRequest,
  call: Pick<CallContext, 'job'>,
): Promise<StoredImage | undefined> =>
  upload && isRepeated(call) && !(await uploads.find(id)) ? store.findImage(id) : undefined;

const requestImage = async (
  deps: ImageDeps,
  request: ImageRequest,
  { signal, cancelled, progress, job }: CallContext,
): Promise<FetchedImage> => {
  const { fetcher, contents, uploads } = deps;
  const report: ReportProgress = (...step) => {
    if (!signal.aborted) progress(...step);
  };
  const wanted = toFetchRequest(request, uploads);
  const made = await madeBefore(deps, request, { job });
  if (made) return { image: made };
  const fetch = () => fetcher.fetch(request.id, wanted, { report, signal, cancelled });
  const fetched = await (request.upload ? uploads.consume(request.id, fetch) : fetch());
  await contents.learn(request.id);
  return fetched;
};

/** The image methods of `ImageStore`. */
export const imageMethods = (deps: ImageDeps): Record<string, ImageMethod> => {
  const { store, locks, contents } = deps;
  const respond = respondWith(contents);
  return {
    ListImages: async ({ type }) =>
      type === 'container' ? respond() : respond(...(await store.listImages())),

    GetImage: async ({ id }) => respond(await getImage(store, id)),

    CheckImage: async (request, { signal }) => {
      const message = await deps.fetcher.check(request.id, toFetchRequest(request, deps.uploads), signal);
      return message === undefined ? respond() : { ...respond(), message };
    },

    RequestImage: async (request, call) => {
      const { image, message } = await requestImage(deps, request, call);
      return message === undefined ? respond(image) : { ...respond(image), message };
    },

    CheckImageOfGuest: async (request) => {
      checkId(request.id);
      await checkGuestImage(deps.guests, request);
      return respond();
    },

    CreateImageOfGuest: async (request, call) => {
      checkId(request.id);
      return respond(await makeGuestImage(deps.guests, request, call));
    },

    DeleteImage: ({ id }) => locks.run(imageKey(id), () => deleteImage(deps, id)),

    CloneImage: async ({ id, dest }) =>
      respond(await locks.runAll([imageKey(id), imageKey(dest)], () => cloneImage(deps, id, dest))),
  };
};
