import Joi from 'joi';
import { imageIdSchema } from './guest.js';

/** A disk image or a container image. */
export interface Image {
  id: string;
  type: string;
  volume?: string;
  snapshot?: string;
  /** MB (2^20 bytes) of a disk cloned from it. */
  size: number;
  /** `pending`, `complete`, … */
  status?: string;
}

export const imageSchema = Joi.object<Image>({
  id: Joi.string().required(),
  type: Joi.string().allow('').default(''),
  volume: Joi.string().allow(''),
  snapshot: Joi.string().allow(''),
  size: Joi.number().default(0),
  status: Joi.string().allow(''),
}).label('image');

/** Matches a SHA-256 sum in hex. */
export const SHA256 = /^[0-9a-f]{64}$/i;

/** The body of `POST /images`. */
export interface ImageFetch {
  id: string;
  type?: string;
  source?: string;
  /** The sum in hex of the file as it is served, before any decompression. */
  sha256?: string;
}

export const imageFetchSchema = Joi.object<ImageFetch>({
  id: imageIdSchema.required(),
  type: Joi.string().allow('', null).max(64).description('`kvm` (the default) or `container`').example('kvm'),
  source: Joi.string()
    .allow('', null)
    .max(4096)
    .description('An http, https or file URL; by default the image server')
    .example('http://192.0.2.1/debian-12.qcow2'),
  sha256: Joi.string()
    .pattern(SHA256, 'SHA-256 sum in hex')
    .allow('', null)
    .description('The expected SHA-256 sum of the file as it is served')
    .example('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
}).label('image fetch');
