import Joi from 'joi';
import { type NewVolume, type Volume, volumeSchema } from '../../model/volume.js';
import { text } from './loose-text.js';

/** A request about one volume; with an empty name, about all of them. */
export type VolumeRequest = NewVolume;

export interface VolumeResponse {
  volumes: Volume[];
  /** Anything worth knowing about it. */
  message?: string;
}

export const volumeRequestSchema = Joi.object<VolumeRequest>({
  name: text(),
  labels: Joi.object().pattern(Joi.string(), Joi.string().allow('')),
  size: Joi.number(),
}).unknown();

export const volumeResponseSchema = Joi.object<VolumeResponse>({
  volumes: Joi.array().items(volumeSchema.unknown()).allow(null),
}).unknown();
