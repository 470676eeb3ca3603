import Joi from 'joi';
import { comingBackSchemas } from './coming-back-schemas.js';
import type { Guest } from './guest.js';
import { guestIdSchema, METADATA_MESSAGES } from './guest-schemas.js';
import { sizeSchemas } from './guest-size-schemas.js';
import { guestNameSchema, newDescriptionSchema, tagsSchema } from './labels.js';
import { type NicSpec, nicSpecSchema } from './nic-changes.js';
import { snapshotNameSchema } from './snapshot.js';

/** What a clone's own TPM begins with. */
const TPMS = ['fresh', 'copy'] as const;
export type CloneTpm = (typeof TPMS)[number];

/** What a clone can get anew at its first start, by cloud-init. */
const RESETS = ['ssh-host-keys', 'machine-id'] as const;
export type CloneReset = (typeof RESETS)[number];

/** What the creation of a clone asks of the sub-agents. */
export interface CloneOrigin {
  /** The id of the guest to clone. */
  source: string;
  /** A snapshot of that guest; absent for its present state. */
  snapshot?: string;
  /** Whether the disks build on those of the source, instead of being copies. */
  linked: boolean;
  tpm: CloneTpm;
  /** The `id` of the memory of a warm template that the clone resumes with; absent for one that boots. */
  warm?: string;
}

/** How a client wants a guest cloned. What is absent is as in the source. */
export interface CloneRequest
  extends Pick<
    Guest,
    'description' | 'tags' | 'memory' | 'cpu' | 'maxMemory' | 'maxCpu' | 'autostart' | 'restart'
  > {
  /** The id of the clone; generated when absent. */
  id?: string;
  /** The name of the clone; made from that of the source when absent. */
  name?: string;
  snapshot?: string;
  /** By default a template is linked, and any other guest copied. */
  linked?: boolean;
  tpm?: CloneTpm;
  /** Whether it resumes with the memory of its template, if that is warm; true by default. */
  warm?: boolean;
  /** Whether the clone starts once it is there. */
  start?: boolean;
  reset?: CloneReset[];
  /** All of its NICs. */
  nics?: NicSpec[];
  /** Keys to set; `null` removes a key of the source. */
  metadata?: Record<string, string | null>;
}

const tpmSchema = Joi.string()
  .valid(...TPMS)
  .description(
    'What its TPM begins with: `fresh` state, by default, or a `copy` of that of a guest that is off',
  );

export const cloneOriginSchema = Joi.object<CloneOrigin, true>({
  source: guestIdSchema.required(),
  snapshot: snapshotNameSchema,
  linked: Joi.boolean().required(),
  tpm: tpmSchema.default('fresh'),
  warm: Joi.string().max(64),
}).unknown();

export const cloneRequestSchema = Joi.object<CloneRequest>({
  id: guestIdSchema.description('The id of the clone; generated when absent'),
  name: guestNameSchema.description(
    'The name of the clone; by default that of the guest with `-clone`, if that has one',
  ),
  snapshot: snapshotNameSchema.description('The snapshot to clone; the present state when absent'),
  linked: Joi.boolean().description(
    'Let the disks build on those of the guest, instead of copying them: needs a snapshot or a template, and is the default for a template',
  ),
  tpm: tpmSchema,
  warm: Joi.boolean().description(
    'Let its first start resume with the memory of its template, if that is warm: true by default',
  ),
  start: Joi.boolean().description('Start the clone once it is there'),
  reset: Joi.array()
    .items(Joi.string().valid(...RESETS))
    .unique()
    .description(
      'What cloud-init in the clone makes anew at its first start; the guest must have cloud-init, and for `machine-id` no `vendor-data`',
    )
    .example(['ssh-host-keys']),
  description: newDescriptionSchema,
  tags: tagsSchema,
  ...sizeSchemas,
  autostart: comingBackSchemas.autostart,
  restart: comingBackSchemas.restart,
  nics: Joi.array()
    .items(nicSpecSchema)
    .max(32)
    .description(
      'The NICs of the clone; by default those of the guest, with MAC addresses of their own and without static addresses',
    ),
  metadata: Joi.object()
    .pattern(Joi.string().max(255), Joi.string().allow('', null))
    .unknown(false)
    .messages(METADATA_MESSAGES)
    .description('Keys of the metadata to set; `null` or `""` removes a key that the guest has'),
})
  .label('clone')
  .description('What the clone has instead of what the guest has')
  .example({ name: 'web-2', start: true });
