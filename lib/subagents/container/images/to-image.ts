import type { ImageInfo } from 'dockerode';
import type { Image } from '../../../model/image.js';
import { toMb } from '../../../model/units.js';
import { familiarName } from './names.js';

/** Describes an image in the agent's format. */
export const toImage = (id: string, bytes: number): Image => ({
  id,
  type: 'container',
  size: toMb(bytes),
  status: 'complete',
});

const NO_NAME = /^<none>/;

/** Returns an image's names, or its digests if it has no name. */
export const namesOf = ({ RepoTags, RepoDigests }: Pick<ImageInfo, 'RepoTags' | 'RepoDigests'>): string[] => {
  const named = (names: string[] | undefined): string[] =>
    (names ?? []).filter((name) => !NO_NAME.test(name)).map(familiarName);
  const tags = named(RepoTags);
  return tags.length > 0 ? tags : named(RepoDigests);
};
