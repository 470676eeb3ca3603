import Joi from 'joi';
import { imageIdSchema } from './image-id.js';

/** The CD drives of a guest, on ports of q35's built-in SATA controller. */
export const MAX_CDROMS = 4;

/** A guest's CD drive. */
export interface Cdrom {
  /** `cd0` to `cd3`. */
  device: string;
  /** The ISO image in it; `""` for an empty drive. */
  image: string;
}

/** The file or device of an ISO image, as the storage sub-agent found it. */
export interface Medium {
  image: string;
  source: string;
}

/** A change of a CD drive. */
export interface CdromChange {
  device: string;
  /** The ISO image to insert; `""` ejects. */
  image: string;
  /** Whether to open a tray that the guest has locked. */
  force?: boolean | undefined;
}

export const cdromName = (index: number): string => `cd${index}`;

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

/** A drive on the wire. */
export type LooseCdrom = { [Key in keyof Cdrom]?: Cdrom[Key] | null };

export const normalizeCdroms = (drives: readonly LooseCdrom[]): Cdrom[] =>
  drives.map(({ image }, index) => ({ device: cdromName(index), image: image ?? '' }));

/** Returns a virtual machine's CD drives. One that says nothing has an empty one, and one of layout 1 has none. */
export const cdromsOf = ({
  cdroms,
  machine,
}: {
  cdroms?: readonly Cdrom[] | undefined;
  machine?: { layout?: number | undefined } | undefined;
}): readonly Cdrom[] => {
  if (cdroms) return cdroms;
  return machine?.layout === 1 ? [] : normalizeCdroms([{}]);
};
