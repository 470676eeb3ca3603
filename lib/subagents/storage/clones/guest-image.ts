import { imageKey } from '../../../async/keyed-locks.js';
import { findDisk, uncertainDisk } from '../../../model/disks.js';
import type { ImageOrigin, ImageRequest } from '../../../rpc/protocol/image-messages.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { type CallContext, isRepeated } from '../../../rpc/server/call-context.js';
import { notFound } from '../../shared/errors.js';
import { explainNoSpace, requireReadable } from '../errors.js';
import type { Contents } from '../images/contents.js';
import type { StoredDisk, StoredImage } from '../stored.js';
import { findSource, type HeldSource, type SourceDeps, withSource } from './source.js';

export interface GuestImageDeps extends SourceDeps {
  contents: Contents;
}

/** @throws {Refusal} when the request names no guest */
const originOf = ({ id, origin }: ImageRequest): ImageOrigin => {
  if (origin) return origin;
  throw new Refusal('invalid', `image ${id}: name the guest to make it of`);
};

/** @throws {Refusal} for an unknown disk, and when a guest has several and none is named */
const pickDisk = ({ guest, disk: wanted }: ImageOrigin, { disks }: HeldSource): StoredDisk => {
  const named = disks.map(({ bus, device, index }) => ({ bus, device, number: index }));
  if (wanted === undefined) {
    const [first, second] = disks;
    if (!first) throw new Refusal('conflict', `guest ${guest} has no disk to make an image of`);
    if (!second) return first;
    throw new Refusal(
      'invalid',
      `guest ${guest} has ${disks.length} disks: name one of them (disk, --disk), by its number: ${named.map(({ number }) => number).join(', ')}`,
    );
  }
  const found = findDisk(guest, named, wanted);
  if (found === 'uncertain') throw new Refusal('conflict', uncertainDisk(guest, named, wanted));
  const disk = found === 'unknown' ? undefined : disks[found];
  if (!disk) throw notFound(`disk ${wanted} of guest ${guest}`);
  return disk;
};

const taken = (id: string): Refusal =>
  new Refusal('conflict', `image ${id} already exists: choose another id, or delete that image first`);

/** Checks that an image can be made of a guest's disk. */
export const checkGuestImage = async (deps: GuestImageDeps, request: ImageRequest): Promise<void> => {
  const wanted = originOf(request);
  pickDisk(wanted, await findSource(deps, wanted));
  if (await deps.snapshots.store.findImage(request.id)) throw taken(request.id);
};

/**
 * Makes an image of a disk of a guest, which may run: of a snapshot, or of its present state.
 * @throws {Refusal} `conflict` when the image exists, unless an earlier attempt of the same call has made it
 */
export const makeGuestImage = async (
  deps: GuestImageDeps,
  request: ImageRequest,
  { signal, job }: Pick<CallContext, 'signal' | 'job'>,
): Promise<StoredImage> => {
  const { store, locks } = deps.snapshots;
  const { id } = request;
  const wanted = originOf(request);
  const existing = await store.findImage(id);
  if (existing && isRepeated({ job })) return requireReadable(existing);
  await checkGuestImage(deps, request);
  const image = await withSource(deps, wanted, (source) =>
    explainNoSpace(`image ${id}`, store, () =>
      locks.run(imageKey(id), async () => {
        if (await store.findImage(id)) throw taken(id);
        return store.imageOfSnapshot(id, pickDisk(wanted, source), source.snapshot ?? '', signal);
      }),
    ),
  );
  await deps.contents.learn(id);
  return image;
};
