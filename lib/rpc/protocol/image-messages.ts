import Joi from 'joi';
import { type Image, type ImageFetch, imageSchema, SHA256, SHA512 } from '../../model/image.js';
import { FETCH_FORMATS } from '../../model/image-formats.js';
import { text } from './loose-text.js';

/** How the caller wants an image fetched. Each key is sent only when the caller gave it. */
export type FetchOptions = Pick<ImageFetch, 'sha256' | 'sha512' | 'sums' | 'format' | 'refresh'>;

export interface ImageRequest extends FetchOptions {
  id: string;
  type: string;
  dest: string;
  source: string;
}

export interface ImageResponse {
  images: Image[];
  /** Anything worth knowing about it. */
  message?: string;
}

export const imageRequestSchema = Joi.object<ImageRequest>({
  id: text(),
  type: text(),
  dest: text(),
  source: text(),
  sha256: Joi.string().pattern(SHA256).allow('', null),
  sha512: Joi.string().pattern(SHA512).allow('', null),
  sums: Joi.string().allow('', null),
  format: Joi.string()
    .valid(...FETCH_FORMATS)
    .allow('', null),
  refresh: Joi.boolean().allow(null),
}).unknown();

export const imageResponseSchema = Joi.object<ImageResponse>({
  images: Joi.array().items(imageSchema.unknown()).allow(null),
}).unknown();
