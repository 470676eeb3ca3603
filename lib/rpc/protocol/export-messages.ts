import Joi from 'joi';
import type { Guest } from '../../model/guest.js';
import { EXPORT_FORMATS, type ExportFormat } from '../../model/guest-export.js';
import { requiredGuest } from './guest-messages.js';

/** The request of the stream that exports a guest. */
export interface ExportRequest {
  /** The guest as its client may see it. */
  guest: Guest;
  format: ExportFormat;
  /** What the client may not see of the guest, and what cannot be moved, in words. */
  leftOut: string[];
}

export const exportRequestSchema = Joi.object<ExportRequest>({
  guest: requiredGuest,
  format: Joi.string()
    .valid(...EXPORT_FORMATS)
    .required(),
  leftOut: Joi.array().items(Joi.string()).required(),
}).unknown();
