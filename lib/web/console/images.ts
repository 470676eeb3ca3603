import type { Image } from '../../model/image.js';
import { get } from './api.js';

export const isContainer = ({ type }: Pick<Image, 'type'>): boolean => type === 'container';

export const listImages = (): Promise<Image[]> => get<Image[]>('/images');
