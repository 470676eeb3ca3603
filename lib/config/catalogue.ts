import Joi from 'joi';

/** Where images are offered: a server of simplestreams, or a list. */
export interface CatalogueSourceConfig {
  /** The base URL of a server, which has `streams/v1/index.json` below it. */
  simplestreams?: string;
  /** The URL or the path of a list in JSON; a path is relative to the config file. */
  list?: string;
}

export interface CatalogueConfig {
  /** By name. The first source that has an image counts; `null` leaves out a source of a file that this one extends. */
  sources?: Record<string, CatalogueSourceConfig | null>;
  /** Seconds for which a list counts as new. */
  max_age?: number;
}

const sourceSchema = Joi.object<CatalogueSourceConfig>({
  simplestreams: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .description('The base URL of a server of simplestreams, as of Ubuntu and of Incus')
    .example('https://cloud-images.ubuntu.com/releases/'),
  list: Joi.string()
    .description('The URL or the path of a list of images in JSON; a path is relative to this file')
    .example('catalogue/cloud-images.json'),
})
  .xor('simplestreams', 'list')
  .allow(null)
  .messages({
    'object.missing': '{{#label}}: give either simplestreams (a URL) or list (a URL or a path)',
    'object.xor': '{{#label}}: has both simplestreams and list: make two sources of them',
  });

export const catalogueSchema = Joi.object<CatalogueConfig>({
  sources: Joi.object()
    .pattern(/^[a-z0-9][a-z0-9_-]{0,31}$/, sourceSchema)
    .unknown(false)
    .description(
      'Where images can be searched for, by a name of your own; `null` leaves out a source of a file that this one extends',
    )
    .messages({
      'object.unknown': '{{#label}}: a name has 1 to 32 characters: a to z, 0 to 9, _ and -',
    }),
  max_age: Joi.number()
    .integer()
    .min(60)
    .max(31_536_000)
    .description('Seconds for which a list counts as new (21600 by default)')
    .example(21_600),
}).description('Images that can be fetched by name');
