import Joi from 'joi';
import { describeMistakes } from '../describe-mistakes.js';
import { volumeNameSchema } from '../volume.js';
import { MOUNT_PATH, MOUNT_PATH_RULE } from './mount-path.js';
import type { ContainerFiles, ContainerMount, ImageMount } from './mounts.js';

const MAX_MOUNTS = 64;
const MAX_PATH = 1024;
const MAX_TMPFS_MB = 2 ** 20;

const pathSchema = Joi.string().max(MAX_PATH).pattern(MOUNT_PATH, MOUNT_PATH_RULE);

/** Where the kernel's own file systems are. */
const OF_KERNEL = /^\/(proc|sys)(\/|$)|^\/dev$/;

const targetSchema = pathSchema
  .custom((target: string, helpers) =>
    OF_KERNEL.test(target) ? helpers.error('mount.kernel', { target }) : target,
  )
  .messages({ 'mount.kernel': '{#label} must not be {#target}, where the container has files of the kernel' })
  .description('Where the container sees it')
  .example('/data');

type MountType = ContainerMount['type'];

/** What a mount of each type must have, and may have. */
const KEYS: Record<MountType, { must: readonly string[]; may: readonly string[] }> = {
  volume: { must: ['source'], may: ['readOnly'] },
  bind: { must: ['source'], may: ['readOnly'] },
  tmpfs: { must: [], may: ['size', 'mode'] },
};

const SOURCES: Record<MountType, Joi.Schema> = {
  volume: volumeNameSchema,
  bind: pathSchema.label('source'),
  tmpfs: Joi.any(),
};

/** @throws a joi error for a mount that lacks what its type needs, or has what another type has */
const requireFitting: Joi.CustomValidator<ContainerMount> = (mount, helpers) => {
  const { type } = mount;
  const { must, may } = KEYS[type];
  const given = Object.keys(mount).filter((key) => key !== 'type' && key !== 'target');
  const missing = must.find((key) => !given.includes(key));
  if (missing !== undefined) return helpers.error('mount.missing', { type, name: missing });
  const extra = given.find((key) => !must.includes(key) && !may.includes(key));
  if (extra !== undefined) return helpers.error('mount.extra', { type, name: extra });
  const { error } = SOURCES[type].validate(type === 'tmpfs' ? '' : mount.source);
  return error ? helpers.error('mount.source', { mistake: describeMistakes(error) }) : mount;
};

const mountSchema = Joi.object<ContainerMount>({
  type: Joi.string()
    .valid('volume', 'bind', 'tmpfs')
    .required()
    .description('A named volume, a path of the host that it allows, or memory')
    .example('volume'),
  source: Joi.string()
    .max(MAX_PATH)
    .description('The name of the volume, or the path on the host')
    .example('shop-data'),
  target: targetSchema.required(),
  readOnly: Joi.boolean().description('Whether the container cannot write to the volume or the path'),
  size: Joi.number().integer().min(1).max(MAX_TMPFS_MB).description('The most MB of a tmpfs'),
  mode: Joi.string()
    .pattern(/^[0-7]{3,4}$/, 'be permissions in octal digits, such as 1777')
    .description('The permissions of a tmpfs; 1777 by default'),
})
  .custom(requireFitting)
  .messages({
    'mount.missing': '{#label} is a mount of type {#type}: give its {#name}',
    'mount.extra': '{#label} is a mount of type {#type}, which has no {#name}: leave it out',
    'mount.source': '{#label}: {#mistake}',
  });

const imageMountSchema = Joi.object<ImageMount>({
  target: Joi.string().required(),
  volume: Joi.string().required(),
});

export const filesSchemas = {
  mounts: Joi.array()
    .items(mountSchema)
    .max(MAX_MOUNTS)
    .unique('target')
    .messages({ 'array.unique': '{#label} has the target of another mount: give each its own' })
    .description('Volumes, paths of the host and memory that the container sees at paths of its own')
    .example([{ type: 'volume', source: 'shop-data', target: '/data' }]),
  readOnly: Joi.boolean()
    .description('Whether its own file system is read-only; /tmp, /run and /var/tmp are then in memory')
    .example(true),
  imageVolumes: Joi.string()
    .valid('drop', 'keep')
    .description(
      'What becomes of the volumes for the VOLUME paths of the image when the guest is deleted; `drop` by default',
    )
    .example('keep'),
  imageMounts: Joi.array()
    .items(imageMountSchema)
    .description('The volumes for the VOLUME paths of the image; set by the sub-agent'),
} satisfies Record<keyof ContainerFiles, Joi.Schema>;
