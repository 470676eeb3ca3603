import Joi, { type ObjectSchema, type Schema } from 'joi';
import type { SnapshotCreation } from '../../handlers/guests/snapshots/create.js';
import type { SnapshotRollback } from '../../handlers/guests/snapshots/rollback.js';
import type { SnapshotPatch } from '../../handlers/guests/snapshots/update.js';
import type { MetadataPatch } from '../../handlers/metadata/patch.js';
import { cdromPatchSchema } from '../../lib/model/cdroms.js';
import { cloneRequestSchema } from '../../lib/model/clone.js';
import { rejectUnknownKeys } from '../../lib/model/container/known-keys.js';
import { containerSpecSchema } from '../../lib/model/container/spec-schema.js';
import { diskPatchSchema, newDiskSchema } from '../../lib/model/disk-changes.js';
import type { LooseGuest, Nic } from '../../lib/model/guest.js';
import { guestPatchSchema } from '../../lib/model/guest-patch.js';
import { diskSchema, disksSchema, guestSchema, METADATA_MESSAGES } from '../../lib/model/guest-schemas.js';
import { imageFetchSchema } from '../../lib/model/image.js';
import { nicPatchSchema, nicSpecSchema } from '../../lib/model/nic-changes.js';
import { restoreRequestSchema } from '../../lib/model/restore.js';
import { schedulePatchSchema, scheduleSpecSchema } from '../../lib/model/schedule-schemas.js';
import { snapshotDescriptionSchema, snapshotNameSchema } from '../../lib/model/snapshot.js';
import { type NewVolume, newVolumeSchema, volumePruneSchema } from '../../lib/model/volume.js';
import { volumeRestoreSchema } from '../../lib/model/volume-backup.js';
import { warmRequestSchema } from '../../lib/model/warm.js';

/** JSON has types, so a number in a string is a mistake. */
const strict = { convert: false } as const;

/** Limits clients to the two known types; a sub-agent may report others. */
const guestType = Joi.string()
  .valid('kvm', 'container', '')
  .allow(null)
  .description('`kvm` (the default) or `container`');

/** Rejects the all-zero MAC address, which hypervisors do not accept. */
const usableMacs: Joi.CustomValidator<Nic[]> = (nics, helpers) => {
  const index = nics.findIndex(({ mac }) => mac === '00:00:00:00:00:00');
  if (index === -1) return nics;
  const message = `"nics[${index}].mac" must not be all zeros: leave it out to have one generated`;
  return helpers.message({ custom: message });
};

/** Rejects a guest that a client read without its secrets: a copy of it would lack them. */
const nothingHidden = guestSchema.extract('hidden').custom((hidden: string[], helpers) =>
  hidden.length === 0
    ? hidden
    : helpers.message({
        custom: `"hidden" says that the guest was read without ${hidden.join(', ')}: read it with the right "content", or remove "hidden" to do without`,
      }),
);

const guestNics = guestSchema.extract('nics').custom(usableMacs);

/** Strips what the agent and its sub-agents set, so that it counts as ignored. Guests that were read before have it. */
const setBySubAgents = (schema: Schema): Schema => schema.strip();

const guestDisks = disksSchema(
  diskSchema.keys({
    serial: setBySubAgents(diskSchema.extract('serial')),
    number: setBySubAgents(diskSchema.extract('number')),
  }),
);

const guestContainer = rejectUnknownKeys(
  (guestSchema.extract('container') as ObjectSchema).keys({
    imageMounts: setBySubAgents(containerSpecSchema.extract('imageMounts')),
  }),
);

export const guestPayload: ObjectSchema<LooseGuest | null> = guestSchema
  .keys({
    ...{ type: guestType, nics: guestNics, disks: guestDisks, hidden: nothingHidden },
    media: setBySubAgents(guestSchema.extract('media')),
    state: setBySubAgents(guestSchema.extract('state')),
    reason: setBySubAgents(guestSchema.extract('reason')),
    vnc: setBySubAgents(guestSchema.extract('vnc')),
    warnings: setBySubAgents(guestSchema.extract('warnings')),
    warm: setBySubAgents(guestSchema.extract('warm')),
    program: setBySubAgents(guestSchema.extract('program')),
    pending: setBySubAgents(guestSchema.extract('pending')),
    intent: setBySubAgents(guestSchema.extract('intent')),
    restarts: setBySubAgents(guestSchema.extract('restarts')),
    addresses: setBySubAgents(guestSchema.extract('addresses')),
    template: setBySubAgents(guestSchema.extract('template')),
    container: guestContainer,
  })
  .allow(null)
  .prefs(strict);

export const cdromPatchPayload = cdromPatchSchema.required().prefs(strict);

export const guestPatchPayload = guestPatchSchema.required().prefs(strict);

export const nicPayload = nicSpecSchema.prefs(strict);

export const nicPatchPayload = nicPatchSchema.prefs(strict);

export const metadataPatchPayload: ObjectSchema<MetadataPatch | null> = Joi.object<MetadataPatch>()
  .pattern(Joi.string().max(255), Joi.string().allow('', null))
  .unknown(false)
  .allow(null)
  .messages(METADATA_MESSAGES)
  .label('metadata')
  .description('The keys to set; `null` or `""` removes a key')
  .example({ owner: 'ops', note: null })
  .prefs(strict);

export const snapshotCreatePayload: ObjectSchema<SnapshotCreation | null> = Joi.object<
  SnapshotCreation,
  true
>({
  dest: snapshotNameSchema.allow('', null),
  description: snapshotDescriptionSchema.allow('', null),
  memory: Joi.boolean()
    .allow(null)
    .description("Take the guest's memory too, so that a rollback goes back to the running moment"),
})
  .allow(null)
  .label('snapshot')
  .prefs(strict);

export const snapshotPatchPayload: ObjectSchema<SnapshotPatch> = Joi.object<SnapshotPatch, true>({
  description: snapshotDescriptionSchema.allow('', null).required(),
})
  .required()
  .label('snapshot')
  .prefs(strict);

export const snapshotRollbackPayload: ObjectSchema<SnapshotRollback | null> = Joi.object<
  SnapshotRollback,
  true
>({
  destroyMoreRecent: Joi.boolean()
    .allow(null)
    .description('Destroy newer snapshots, which would otherwise prevent the rollback'),
  memory: Joi.boolean()
    .allow(null)
    .description(
      'Whether the guest goes on with the memory in the snapshot; by default as far as the snapshot has it',
    ),
  poweroff: Joi.boolean().allow(null).description('Power the guest off first, if it runs'),
})
  .allow(null)
  .label('rollback')
  .prefs(strict);

export const newDiskPayload = newDiskSchema.required().prefs(strict);

export const diskPatchPayload = diskPatchSchema.required().prefs(strict);

export const schedulePayload = scheduleSpecSchema.required().prefs(strict);

export const schedulePatchPayload = schedulePatchSchema.required().prefs(strict);

export const warmPayload = warmRequestSchema.allow(null).prefs(strict);

export const clonePayload = cloneRequestSchema.allow(null).prefs(strict);

export const imageFetchPayload = imageFetchSchema.required().prefs(strict);

export const volumePayload: ObjectSchema<NewVolume> = newVolumeSchema.required().prefs(strict);

export const volumePrunePayload = volumePruneSchema.allow(null).prefs(strict);

export const volumeRestorePayload = volumeRestoreSchema.allow(null).prefs(strict);

export const restorePayload = restoreRequestSchema.allow(null).prefs(strict);
