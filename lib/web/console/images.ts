import type { Image } from '../../model/image.js';
import { get } from './api.js';

export const isContainerImage = ({ type }: Pick<Image, 'type'>): boolean => type === 'container';

export const getImages = (): Promise<Image[]> => get<Image[]>('/images');
