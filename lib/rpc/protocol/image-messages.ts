import Joi from 'joi';
import {
  type Image,
  type ImageFetch,
  imageSchema,
  platformSchema,
  SHA256,
  SHA512,
} from '../../model/image.js';
import { FETCH_FORMATS } from '../../model/image-formats.js';
import { text } from './loose-text.js';

/** How the caller wants an image fetched. Each key is sent only when the caller gave it. */
export type FetchOptions = Pick<ImageFetch, 'sha256' | 'sha512' | 'sums' | 'format' | 'refresh' | 'platform'>;

/** The disk of a guest that an image is made of. */
export interface ImageOrigin {
  /** The guest's id. */
  guest: string;
  /** A snapshot of the guest; absent for its present state. */
  snapshot?: string;
  /** The disk's number, serial or device name; absent for a guest's only one. */
  disk?: string;
}

export interface ImageRequest extends FetchOptions {
  id: string;
  type: string;
  dest: string;
  source: string;
  /** For an image of a guest's disk. */
  origin?: ImageOrigin;
  /** Whether its file is the one that a client has uploaded. */
  upload?: boolean;
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
  platform: platformSchema.allow('', null),
  origin: Joi.object<ImageOrigin>({
    guest: Joi.string().required(),
    snapshot: Joi.string(),
    disk: Joi.string(),
  }).unknown(),
  upload: Joi.boolean(),
}).unknown();

export const imageResponseSchema = Joi.object<ImageResponse>({
  images: Joi.array().items(imageSchema.unknown()).allow(null),
}).unknown();
