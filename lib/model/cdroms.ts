import Joi from 'joi';
import { type Cdrom, type CdromChange, cdromName, type Medium } from './cd-drives.js';
import { imageIdSchema } from './image-id.js';

/** The CD drives of a guest, on ports of q35's built-in SATA controller. */
export const MAX_CDROMS = 4;

export const cdromDeviceSchema = Joi.string()
  .pattern(/^cd[0-3]$/, 'be one of cd0, cd1, cd2, cd3')
  .label('CD drive')
  .description('A CD drive of a guest')
  .example('cd0');

const imageInDrive = imageIdSchema
  .allow('', null)
  .description('The ISO image in the drive')
  .example('netinst');

export const cdromsSchema = Joi.array()
  .items(
    Joi.object<Cdrom>({
      device: cdromDeviceSchema.allow('', null).description('The name of the drive; by default its position'),
      image: imageInDrive,
    }).label('CD drive'),
  )
  .max(MAX_CDROMS)
  .custom((drives: Partial<Cdrom>[], helpers) => {
    const wrong = drives.findIndex(({ device }, index) => device && device !== cdromName(index));
    if (wrong === -1) return drives;
    const expected = cdromName(wrong);
    return helpers.message({
      custom: `"cdroms[${wrong}].device" must be ${expected}, because drives are numbered in their order, got "${drives[wrong]?.device}"`,
    });
  })
  .description('The CD drives; a virtual machine has one when nothing is said')
  .label('CD drives');

export const mediaSchema = Joi.array()
  .items(Joi.object<Medium>({ image: imageIdSchema, source: Joi.string().max(4096) }))
  .max(2 * MAX_CDROMS)
  .description('Where the ISO images of the drives are; set by the storage sub-agent');

/** The body of a change of a CD drive. */
export const cdromPatchSchema = Joi.object<Pick<CdromChange, 'image'>>({
  image: imageInDrive
    .required()
    .description('The ISO image to insert in place of the present one; `null` ejects'),
})
  .label('CD drive change')
  .example({ image: 'netinst' });

export const cdromChangeSchema = Joi.object<CdromChange>({
  device: cdromDeviceSchema.required(),
  image: imageIdSchema.allow('').required(),
  force: Joi.boolean(),
}).required();
