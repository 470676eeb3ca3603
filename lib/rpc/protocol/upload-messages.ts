import Joi from 'joi';
import { imageIdSchema } from '../../model/image-id.js';
import { type ImageUpload, imageUploadSchema, type UploadPiece } from '../../model/image-upload.js';
import { type DiskWish, diskWishKeys } from './disk-download.js';

/** The request beside the bytes of a piece. */
export interface ReceiveImageRequest extends UploadPiece {
  id: string;
  /** Whether it may replace an image. */
  refresh: boolean;
}

export interface UploadResponse {
  upload: ImageUpload;
}

/** The request of the stream of an image's file. */
export interface DownloadImageRequest extends DiskWish {
  id: string;
}

const bytes = (): Joi.NumberSchema => Joi.number().integer().min(0).required();

export const receiveImageRequestSchema = Joi.object<ReceiveImageRequest>({
  id: imageIdSchema.required(),
  offset: bytes(),
  size: bytes(),
  refresh: Joi.boolean().required(),
}).unknown();

export const uploadResponseSchema = Joi.object<UploadResponse>({
  upload: imageUploadSchema.unknown().required(),
})
  .unknown()
  .required();

export const downloadImageRequestSchema = Joi.object<DownloadImageRequest>({
  id: imageIdSchema.required(),
  ...diskWishKeys,
}).unknown();
