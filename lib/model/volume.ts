import Joi from 'joi';

/** Bytes are counted in MB of 2^20. */
export interface NewVolume {
  name: string;
  /** Words of the caller's own, which the engine keeps with the volume. */
  labels?: Record<string, string>;
  /** The most MB that it can hold. */
  size?: number;
}

/** Which of the unused volumes a prune deletes. */
export interface VolumePrune {
  /** All of them when absent. */
  volumes?: string[];
}

/** A named volume of containers: files of a container engine that outlive the guests which use them. */
export interface Volume extends NewVolume {
  /** When it was made: RFC 3339. */
  created?: string;
  /** The ids of the guests that have it mounted, running or not. */
  guests: string[];
  /** Whether a container that has it mounted runs, of a guest or not. */
  running?: boolean;
  /** The guest that it was made for, because the image of the guest has a `VOLUME`. */
  guest?: string;
  /** The path of that `VOLUME`. */
  target?: string;
  /** MB on the host's disk; only where one volume was asked for, and its files can be read. */
  used?: number;
}

/** Labels that begin so are the agent's own. */
export const OWN_LABELS = 'io.mistify.';

const MAX_LABELS = 64;
const LABEL_KEY = /^(?!io\.mistify\.)[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,126}[a-zA-Z0-9])?$/;

export const volumeNameSchema = Joi.string()
  .pattern(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/,
    'consist of letters, digits and _ . -, and begin with a letter or a digit',
  )
  .max(128)
  .label('volume name')
  .description('The name of a volume: letters, digits and `_ . -`')
  .example('shop-data');

const labelsSchema = Joi.object<Record<string, string>>()
  .pattern(LABEL_KEY, Joi.string().allow('').max(1024))
  .max(MAX_LABELS)
  .unknown(false)
  .messages({
    'object.unknown': `{{#label}} is not the name of a label: use letters, digits and . _ / -, at most 128, and not ${OWN_LABELS} at the start`,
  })
  .description('Words of your own that the engine keeps with the volume')
  .example({ team: 'shop' });

const MAX_SIZE_MB = 64 * 2 ** 20;

export const newVolumeSchema = Joi.object<NewVolume>({
  name: volumeNameSchema.required(),
  labels: labelsSchema.allow(null).empty(null),
  size: Joi.number()
    .integer()
    .min(1)
    .max(MAX_SIZE_MB)
    .allow(null)
    .empty(null)
    .description('The most MB that it can hold; refused where the engine does not enforce it')
    .example(1024),
})
  .label('new volume')
  .example({ name: 'shop-data' });

export const volumePruneSchema = Joi.object<VolumePrune>({
  volumes: Joi.array()
    .items(volumeNameSchema)
    .allow(null)
    .empty(null)
    .description('Only these of the unused volumes, such as those of a dry run; all by default'),
}).label('volume prune');

export const volumeSchema = Joi.object<Volume>({
  name: volumeNameSchema.required(),
  labels: Joi.object().pattern(Joi.string(), Joi.string().allow('')),
  size: Joi.number().description('The most MB that it can hold'),
  created: Joi.string().isoDate(),
  guests: Joi.array().items(Joi.string()).required().description('The guests that have it mounted'),
  running: Joi.boolean().description('Whether a container that has it mounted runs'),
  guest: Joi.string().description(
    'The guest that it was made for, because the image of the guest has a VOLUME',
  ),
  target: Joi.string().description('The path of that VOLUME'),
  used: Joi.number().description('MB on the host’s disk, where its files can be read; not in lists'),
}).label('volume');
