import type { Image, ImageFetch } from '../../model/image.js';
import { get } from './api.js';

/** Whether an image is for CD drives. */
export const isIso = ({ kind }: Image): boolean => kind === 'iso';

export const isContainerImage = ({ type }: Pick<Image, 'type'>): boolean => type === 'container';

/** The path of the API under which an image is. */
export const imagesPath = (image: Pick<Image, 'type'>): string =>
  isContainerImage(image) ? '/container_images' : '/images';

export const getImages = (): Promise<Image[]> => get<Image[]>('/images');

/** The digits of a SHA-256 or SHA-512 sum. */
export const SUM_PATTERN = '[0-9a-fA-F]{64}([0-9a-fA-F]{64})?';

/** Tells by its length which sum a text is. */
export const sumOf = (sum: string): Pick<ImageFetch, 'sha256' | 'sha512'> =>
  sum === '' ? {} : sum.length === 64 ? { sha256: sum } : { sha512: sum };
