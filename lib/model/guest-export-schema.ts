import Joi from 'joi';
import {
  EXPORT_FORMAT,
  EXPORT_VERSION,
  type ExportedDisk,
  type ExportManifest,
  NVRAM_NAME,
  TPM_FILE,
} from './guest-export.js';
import { guestSchema } from './guest-schemas.js';
import { MAX_DISK_BYTES } from './units.js';

const exportedDiskSchema = Joi.object<ExportedDisk>({
  file: Joi.string()
    .pattern(/^disk-\d{1,2}\.qcow2$/)
    .required(),
  number: Joi.number().integer().min(0).max(25).required(),
  bus: Joi.string().max(16).required(),
  size: Joi.number().integer().positive().max(MAX_DISK_BYTES).required(),
}).unknown();

export const exportManifestSchema = Joi.object<ExportManifest>({
  format: Joi.string().valid(EXPORT_FORMAT).required(),
  version: Joi.number().valid(EXPORT_VERSION).required(),
  created: Joi.string().isoDate().required(),
  consistency: Joi.string().valid('crash', 'filesystem').required(),
  guest: guestSchema.unknown().required(),
  leftOut: Joi.array().items(Joi.string().max(1000)).max(100).required(),
  disks: Joi.array().items(exportedDiskSchema).max(26).unique('file').required(),
  files: Joi.array()
    .items(Joi.string().valid(NVRAM_NAME), Joi.string().pattern(TPM_FILE))
    .max(20)
    .unique()
    .required(),
})
  .unknown()
  .required();
