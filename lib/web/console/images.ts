import type { Image } from '../../model/image.js';
import { get } from './api.js';

/** Whether an image is for CD drives. */
export const isIso = ({ kind }: Image): boolean => kind === 'iso';

export const isContainerImage = ({ type }: Pick<Image, 'type'>): boolean => type === 'container';

export const getImages = (): Promise<Image[]> => get<Image[]>('/images');
