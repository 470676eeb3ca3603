import { imageKey, type Locks } from '../../../async/keyed-locks.js';
import { allocatedBytes } from '../../../files/allocated-bytes.js';
import type { Claim } from '../../shared/disk/space.js';
import { checkDigests, type Digests } from '../../shared/download/digests.js';
import { describeBytes } from '../../shared/download/progress.js';
import { checkedFileName } from '../convert.js';
import { haveSameContent, imageFile, measureImage } from '../qemu-img.js';
import {
  addImage,
  type FetchedImage,
  findSame,
  hasDigests,
  type InstallDeps,
  replaceImage,
  upToDate,
} from './install.js';
import { type RawSource, sumsOfFile } from './raw-source.js';
import { algorithmsFor, type FetchContext, type WantedImage } from './wanted-image.js';

interface ImportContext extends Pick<FetchContext, 'progress' | 'signal'> {
  claim: Claim;
}

/** Finds the image if it has the same content as the file, hole by hole: nothing says which sum the file has. */
const findIdentical = async (
  { store, sums }: InstallDeps,
  id: string,
  { file, checked }: RawSource,
  signal: AbortSignal,
): Promise<FetchedImage | undefined> => {
  const image = await store.findImage(id);
  if (!image || image.unreadable !== undefined) return undefined;
  const { rawBytes = image.virtualSize } = await sums.find(id);
  if (rawBytes !== file.size) return undefined;
  const { path, format } = await store.imageFile(id);
  const names = [checkedFileName(checked), imageFile(format, path)] as const;
  const isSame = await haveSameContent(names, { files: checked.files, signal });
  await file.requireUnchanged();
  return isSame ? upToDate(image) : undefined;
};

/** Claims the room for a raw disk's data. It is measured only where the whole disk, holes included, would not fit. */
const claimRoom = async (claim: Claim, { file, checked }: RawSource, signal: AbortSignal): Promise<void> => {
  const bytes = (await claim.fits(file.size))
    ? Math.min(file.size, allocatedBytes(await file.handle.stat()))
    : await measureImage(checkedFileName(checked), { files: checked.files, signal });
  await claim.require(bytes);
};

/**
 * Makes an image of a raw disk in a file of this host, without a copy: at the speed of its data. A sum is calculated, of all
 * bytes, only if the file must have one.
 */
export const importRaw = async (
  deps: InstallDeps & { locks: Locks },
  { id, refresh }: WantedImage,
  raw: RawSource,
  expected: Digests,
  { claim, progress, signal }: ImportContext,
): Promise<FetchedImage> => {
  const { file, checked } = raw;
  const onBytes = (done: number): void => progress.set(...describeBytes(done, file.size));
  const digests = hasDigests(expected)
    ? await sumsOfFile(file, algorithmsFor(expected), signal, onBytes)
    : {};
  checkDigests(digests, expected);
  if (refresh) {
    const same = hasDigests(digests)
      ? await findSame(deps, id, digests, signal)
      : await findIdentical(deps, id, raw, signal);
    if (same) return same;
  }
  const onPercent = (percent: number): void => progress.set(`converting, ${percent}%`, percent);
  await claimRoom(claim, raw, signal);
  const install = refresh ? replaceImage : addImage;
  return deps.locks.run(imageKey(id), () =>
    install(deps, id, checked, { digests, rawBytes: file.size }, { onPercent, signal }),
  );
};
