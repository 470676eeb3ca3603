import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { ContainerFiles, ImageMount } from '../../../model/container/mounts.js';

/** The part of an image that names its `VOLUME` paths. */
export interface ImageVolumes {
  Volumes?: Readonly<Record<string, object>> | null | undefined;
}

const DIGITS = 8;

/** Names the volume of a guest for a path: always the same one, so that a container that is made again finds it. */
const volumeOf = (guest: string, target: string): string =>
  `${guest}-${createHash('sha256').update(target).digest('hex').slice(0, DIGITS)}`;

const clean = (path: string): string => posix.resolve('/', path);

/** Lists the volumes that a guest needs for the `VOLUME` paths of its image: those where it mounts nothing itself. */
export const imageMountsOf = (
  guest: string,
  { mounts = [] }: ContainerFiles,
  { Volumes }: ImageVolumes,
): ImageMount[] => {
  const taken = new Set(mounts.map(({ target }) => target));
  const targets = new Set(Object.keys(Volumes ?? {}).map(clean));
  return [...targets]
    .filter((target) => target !== '/' && !taken.has(target))
    .sort()
    .map((target) => ({ target, volume: volumeOf(guest, target) }));
};
