import Joi from 'joi';
import { type NewVolume, type Volume, volumeSchema } from '../../model/volume.js';
import { text } from './loose-text.js';

/** A request about one volume; with an empty name, about several or all of them. */
export interface VolumeRequest extends NewVolume {
  /** The volumes to delete, for a prune. */
  names?: string[];
}

export interface VolumeResponse {
  volumes: Volume[];
  /** Anything worth knowing about it. */
  message?: string;
}

export const volumeRequestSchema = Joi.object<VolumeRequest>({
  name: text(),
  labels: Joi.object().pattern(Joi.string(), Joi.string().allow('')),
  size: Joi.number(),
  names: Joi.array().items(Joi.string()),
}).unknown();

export const volumeResponseSchema = Joi.object<VolumeResponse>({
  volumes: Joi.array().items(volumeSchema.unknown()).allow(null),
}).unknown();
