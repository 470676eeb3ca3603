import Joi from 'joi';
import { architecture, type OfferedImage } from '../../model/catalogue.js';
import { SHA256, SHA512 } from '../../model/image.js';
import { FETCH_FORMATS, type FetchFormat } from '../../model/image-formats.js';
import { imageIdSchema } from '../../model/image-id.js';
import type { ReadJson } from './download.js';

/** An image in a list. It has a sum, or the file in which its publisher lists the sum of each new version. */
interface Entry {
  id: string;
  aliases?: string[];
  title?: string;
  arch: string;
  version?: string;
  size?: number;
  url: string;
  sha256?: string;
  sha512?: string;
  sums?: string;
  format?: FetchFormat;
}

const url = Joi.string().uri({ scheme: ['http', 'https'] });

const listSchema = Joi.object<{ images: Entry[] }>({
  images: Joi.array()
    .items(
      Joi.object<Entry>({
        id: imageIdSchema.required(),
        aliases: Joi.array().items(imageIdSchema),
        title: Joi.string().max(256),
        arch: Joi.string().required(),
        version: Joi.string(),
        size: Joi.number().min(0),
        url: url.required(),
        sha256: Joi.string().pattern(SHA256),
        sha512: Joi.string().pattern(SHA512),
        sums: url,
        format: Joi.string().valid(...FETCH_FORMATS),
      }).or('sha256', 'sha512', 'sums'),
    )
    .required(),
})
  .required()
  .unknown();

/**
 * Reads a list of images in JSON.
 * @throws when an entry is invalid, or has no sum
 */
export const readList = async (where: string, read: ReadJson): Promise<OfferedImage[]> => {
  const { error, value } = listSchema.validate(await read(where), { convert: false });
  if (error) throw new Error(`it is not a list of images: ${error.message}`);
  return value.images.map(
    ({ id, aliases = [], title = id, arch, version, size, url: source, ...checks }) => ({
      ...{ id, aliases, title, arch: architecture(arch) },
      ...(version === undefined ? {} : { version }),
      ...(size === undefined ? {} : { size }),
      fetch: { id, source, ...checks },
    }),
  );
};
