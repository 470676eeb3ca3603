import Joi from 'joi';
import type { ContainerDevices } from './devices.js';

const DEVICE =
  /^(\/dev(?!.*\/\.{1,2}(\/|$))(\/[A-Za-z0-9_.:+-]+)+|[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+=[A-Za-z0-9_.:-]+)$/;

export const devicesSchemas = {
  devices: Joi.array()
    .items(
      Joi.string()
        .max(255)
        .pattern(DEVICE, 'be a path below /dev without . and .., or a CDI device such as nvidia.com/gpu=0'),
    )
    .max(64)
    .unique()
    .description('Devices of the host, among those that the host allows: paths, or names of CDI devices')
    .example(['/dev/fuse']),
} satisfies Record<keyof ContainerDevices, Joi.Schema>;
