import type { Medium } from '../../../model/cd-drives.js';
import { cdromChangeSchema } from '../../../model/cdroms.js';
import type { Guest } from '../../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { noSuchImage } from '../../shared/errors.js';
import { readChange } from '../../shared/read-change.js';
import type { DiskStore } from '../disk-store.js';
import { requireReadable } from '../errors.js';
import type { Contents } from './contents.js';

export interface MediaDeps {
  store: DiskStore;
  contents: Contents;
}

/** @throws when there is no such image, or it is not an ISO image */
const findMedium = async ({ store, contents }: MediaDeps, id: string): Promise<Medium> => {
  const image = await store.findImage(id);
  if (!image) throw noSuchImage(id);
  requireReadable(image);
  await contents.learn(id);
  if (contents.find(id)?.kind === 'disk')
    throw new Refusal('invalid', `image ${id} is the image of a disk: a CD drive takes ISO images only`);
  return { image: id, source: (await store.imageFile(id)).path };
};

/**
 * Finds the ISO images of CD drives.
 * @param inserted an image that is to be inserted
 * @returns those of the guest's drives and the one to be inserted
 * @throws {Refusal} when there is no such image, or it is not an ISO image
 */
export const findMedia = async (
  deps: MediaDeps,
  { cdroms = [], media = [] }: Pick<Guest, 'cdroms' | 'media'>,
  inserted = '',
): Promise<Medium[]> => {
  const wanted = new Set(cdroms.map(({ image }) => image).filter(Boolean));
  const kept = media.filter(({ image }) => wanted.has(image) && image !== inserted);
  const missing = [...wanted].filter((image) => !kept.some((medium) => medium.image === image));
  const found: Medium[] = [];
  for (const id of new Set([...missing, inserted].filter(Boolean))) found.push(await findMedium(deps, id));
  return [...kept, ...found];
};

/** The method of `ImageStore` that finds the image of a change of a CD drive. */
export const findMediaMethod =
  (deps: MediaDeps) =>
  async (request: GuestRequest): Promise<GuestResponse> => {
    const { guest } = request;
    const { image } = readChange(request, cdromChangeSchema);
    return { guest: { id: guest.id, media: await findMedia(deps, guest, image) } };
  };

/** Adds to a guest where the ISO images of its drives are. */
export const withMedia = async (deps: MediaDeps, guest: Guest): Promise<Guest> =>
  guest.cdroms?.length ? { ...guest, media: await findMedia(deps, guest) } : guest;
