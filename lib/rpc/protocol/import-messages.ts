import Joi from 'joi';
import type { Guest } from '../../model/guest.js';
import type { ExportFormat } from '../../model/guest-export.js';
import { guestIdSchema, guestSchema } from '../../model/guest-schemas.js';

/** The request of the upload of an exported guest. */
export interface ImportRequest {
  /** The id that the guest gets, unless it keeps its own. */
  guest: string;
  identity: 'new' | 'keep';
}

export const importRequestSchema = Joi.object<ImportRequest>({
  guest: guestIdSchema.required(),
  identity: Joi.string().valid('new', 'keep').required(),
}).unknown();

/** A guest whose disks are in the store, and which the agent does not know yet. */
export interface ImportResponse {
  /** The guest as its file describes it, with its id and its disks here. */
  guest: Guest;
  format: ExportFormat;
  /** Names this import of the guest. */
  token: string;
  /** What the guest lost or does not have here, in words. */
  notes: string[];
}

export const importResponseSchema = Joi.object<ImportResponse>({
  guest: guestSchema
    .fork('id', (id) => id.required())
    .required()
    .prefs({ stripUnknown: true }),
  format: Joi.string().required(),
  token: Joi.string().required(),
  notes: Joi.array().items(Joi.string()).required(),
}).unknown();

/** The change of the action that makes an imported guest known. */
export interface ImportChange {
  token: string;
  notes: readonly string[];
}

export const importChangeSchema = Joi.object<ImportChange>({
  token: Joi.string().required(),
  notes: Joi.array().items(Joi.string()).required(),
}).required();

/** The request to remove what was imported for a guest that the agent did not create. */
export interface DiscardRequest {
  guest: string;
  token: string;
}

export const discardRequestSchema = Joi.object<DiscardRequest>({
  guest: guestIdSchema.required(),
  token: Joi.string().required(),
}).unknown();
