import Joi from 'joi';
import type { StorageSpace } from '../../model/storage-space.js';

const count = Joi.number().min(0);

export interface StorageSpaceRequest {
  /** Whether to list the leftovers too. */
  leftovers: boolean;
}

/** The space, without leftovers when the request asks for none. */
export type StorageSpaceResponse = Omit<StorageSpace, 'leftovers'> & Partial<StorageSpace>;

/** What the disks of a guest take, in MB. */
export interface DiskUseResponse {
  disks: { volume: string; used: number }[];
}

export const storageSpaceRequestSchema = Joi.object<StorageSpaceRequest>({
  leftovers: Joi.boolean().default(false),
}).unknown();

/** Strict, because free space of another shape would end up in Prometheus' time series. */
export const storageSpaceResponseSchema = Joi.object<StorageSpaceResponse>({
  size: count.required(),
  free: count.required(),
  used: count.required(),
  leftovers: Joi.array().items(Joi.string()),
})
  .unknown()
  .required();

export const diskUseResponseSchema = Joi.object<DiskUseResponse>({
  disks: Joi.array()
    .items(Joi.object({ volume: Joi.string().required(), used: count.required() }).unknown())
    .allow(null),
}).unknown();
