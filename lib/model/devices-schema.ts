import Joi from 'joi';
import { type Devices, VIDEO_MODELS, WATCHDOG_ACTIONS } from './devices.js';

export const deviceSchemas = {
  tablet: Joi.boolean().description('A pointer with absolute positions; `true` for new guests'),
  video: Joi.string()
    .valid(...VIDEO_MODELS)
    .description('The graphics card: `std` (VGA), `virtio` or `none`'),
  watchdog: Joi.string()
    .valid(...WATCHDOG_ACTIONS)
    .description(
      'A watchdog (i6300esb), and what it does: `reset`, `poweroff` or `pause`; `none` for no watchdog',
    ),
  vmgenid: Joi.boolean().description(
    'A generation ID, which changes after a rollback; `true` for new guests',
  ),
};

export const devicesSchema = Joi.object<Devices>(deviceSchemas).label('devices').description('Small devices');
