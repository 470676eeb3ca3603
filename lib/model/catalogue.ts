import Joi from 'joi';
import { type ImageFetch, SHA256, SHA512 } from './image.js';

/** The body of `POST /images` that fetches an image of the catalogue, with its sum. */
export type CatalogueFetch = Pick<ImageFetch, 'id' | 'sha256' | 'sha512' | 'sums' | 'format'> & {
  source: string;
};

/** A disk image that a source of the catalogue offers. */
export interface CatalogueImage {
  /** What to fetch it by: `debian/13`. Unique for an architecture. */
  id: string;
  /** Other names of it: `debian/trixie`. */
  aliases: string[];
  /** Such as `Debian 13 (trixie)`. */
  title: string;
  /** As QEMU calls it: `x86_64`. */
  arch: string;
  /** As the source counts: `20260301`. Absent where the source has only the latest. */
  version?: string;
  /** Bytes of the file to download, where the source says. */
  size?: number;
  /** The name of the source in the config. */
  source: string;
  fetch: CatalogueFetch;
}

/** An image as a list has it, which does not know the name of its source. */
export type OfferedImage = Omit<CatalogueImage, 'source'>;

/** A source of the catalogue, and how old what is known of it is. */
export interface CatalogueSource {
  name: string;
  /** The URL or the file that it is read from. */
  url: string;
  /** When its list was read, RFC 3339; absent when it never was. */
  read?: string;
  /** Why the newest list could not be read. */
  problem?: string;
}

export interface CatalogueListing {
  images: CatalogueImage[];
  sources: CatalogueSource[];
}

/** Which images to list. */
export interface CatalogueQuery {
  /** Words that the id, an alias or the title of an image has. */
  search?: string;
  /** The architecture: that of the host by default, `all` for all. */
  arch?: string;
  /** The name of a source. */
  source?: string;
}

export const catalogueImageSchema = Joi.object<CatalogueImage>({
  id: Joi.string().required().description('What to fetch it by').example('debian/13'),
  aliases: Joi.array().items(Joi.string()).required().description('Other names of it'),
  title: Joi.string().required().example('Debian 13 (trixie)'),
  arch: Joi.string().required().description('The architecture, as QEMU calls it').example('x86_64'),
  version: Joi.string().description('The version, as the source counts').example('20260301'),
  size: Joi.number().min(0).description('Bytes of the file to download'),
  source: Joi.string().required().description('The name of the source in the config'),
  fetch: Joi.object<CatalogueFetch>({
    id: Joi.string().required(),
    source: Joi.string().required(),
    sha256: Joi.string().pattern(SHA256),
    sha512: Joi.string().pattern(SHA512),
    sums: Joi.string(),
    format: Joi.string(),
  })
    .required()
    .description('The body of `POST /images` that fetches it, with its sum'),
}).label('catalogue image');

export const catalogueListingSchema = Joi.object<CatalogueListing>({
  images: Joi.array().items(catalogueImageSchema).required(),
  sources: Joi.array()
    .items(
      Joi.object<CatalogueSource>({
        name: Joi.string().required(),
        url: Joi.string().required(),
        read: Joi.string().isoDate().description('When its list was read; absent when it never was'),
        problem: Joi.string().description('Why the newest list could not be read'),
      }),
    )
    .required(),
}).label('catalogue');

/** The names by which QEMU calls the architectures of Debian, Node.js and others. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  ...{ amd64: 'x86_64', x64: 'x86_64', arm64: 'aarch64', i386: 'i686', ia32: 'i686' },
  ...{ armhf: 'armv7l', ppc64el: 'ppc64le' },
};

/** Returns the name of an architecture as QEMU calls it. */
export const architecture = (name: string): string =>
  (Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined) ?? name;
