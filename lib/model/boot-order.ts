import Joi from 'joi';

const MAX_ENTRIES = 30;

export const bootDeviceSchema = Joi.string()
  .pattern(/^(disk(\d|1\d|2[0-5])|cd[0-3])$/, 'be a disk by its number or a CD drive, such as disk0 or cd0')
  .example('cd0');

export const bootOrderSchema = Joi.array()
  .items(bootDeviceSchema)
  .max(MAX_ENTRIES)
  .unique()
  .label('boot order')
  .description(
    'The disks (`disk0`, by their numbers) and CD drives (`cd0`) to boot from, in this order; all others follow: disks, then CD drives',
  )
  .example(['cd0', 'disk0']);
