import Joi from 'joi';
import { guestIdSchema } from './guest-schemas.js';
import { snapshotNameSchema } from './snapshot.js';

/** What a clone's own TPM begins with. */
const TPMS = ['fresh', 'copy'] as const;
export type CloneTpm = (typeof TPMS)[number];

/** What the creation of a clone asks of the sub-agents. */
export interface CloneOrigin {
  /** The id of the guest to clone. */
  source: string;
  /** A snapshot of that guest; absent for its present state. */
  snapshot?: string;
  /** Whether the disks build on those of the source, instead of being copies. */
  linked: boolean;
  tpm: CloneTpm;
}

export const cloneTpmSchema = Joi.string()
  .valid(...TPMS)
  .description(
    'What its TPM begins with: `fresh` state, by default, or a `copy` of that of a guest that is off',
  );

export const cloneOriginSchema = Joi.object<CloneOrigin, true>({
  source: guestIdSchema.required(),
  snapshot: snapshotNameSchema,
  linked: Joi.boolean().required(),
  tpm: cloneTpmSchema.default('fresh'),
}).unknown();
