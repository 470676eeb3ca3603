import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { MOUNT_PATH } from '../../../model/container/mount-path.js';
import type { ContainerFiles, ImageMount } from '../../../model/container/mounts.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';

/** The part of an image that names its `VOLUME` paths. */
export interface ImageVolumes {
  Volumes?: Readonly<Record<string, object>> | null | undefined;
}

const DIGITS = 8;

/** Names the volume of a guest for a path: always the same one, so that a container that is made again finds it. */
const volumeOf = (guest: string, target: string): string =>
  `${guest}-${createHash('sha256').update(target).digest('hex').slice(0, DIGITS)}`;

const volumePath = (path: string): string => {
  const target = posix.resolve('/', path);
  if (target === '/' || MOUNT_PATH.test(target)) return target;
  throw new Refusal(
    'invalid',
    `the image has the VOLUME path ${JSON.stringify(target)}, which engines misread: build it with a path that has no ` +
      'colon, comma and quotation mark',
  );
};

/**
 * Lists the volumes that a guest needs for the `VOLUME` paths of its image: those where it mounts nothing itself.
 * @throws {Refusal} `invalid` for a path that is more to an engine than a path
 */
export const imageMountsOf = (
  guest: string,
  { mounts = [] }: ContainerFiles,
  { Volumes }: ImageVolumes,
): ImageMount[] => {
  const taken = new Set(mounts.map(({ target }) => target));
  const targets = new Set(Object.keys(Volumes ?? {}).map(volumePath));
  return [...targets]
    .filter((target) => target !== '/' && !taken.has(target))
    .sort()
    .map((target) => ({ target, volume: volumeOf(guest, target) }));
};
