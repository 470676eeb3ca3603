import Joi from 'joi';
import { FIRMWARES, type Firmware } from './firmware.js';
import { guestIdSchema } from './guest-schemas.js';
import { FETCH_FORMATS, type FetchFormat } from './image-formats.js';
import { imageIdSchema } from './image-id.js';
import { diskIdSchema, snapshotNameSchema } from './snapshot.js';

/** What the bytes of a disk image say. */
export interface ImageContent {
  /** An ISO image is for CD drives; a hybrid one counts as an ISO image. */
  kind: 'disk' | 'iso';
  /** The firmware that can boot it, as far as its partition table or boot catalog tells. */
  boots: Firmware[];
}

/** A disk image or a container image. */
export interface Image {
  id: string;
  type: string;
  volume?: string;
  snapshot?: string;
  /** MB (2^20 bytes) of a disk cloned from it. */
  size: number;
  /** MB that it takes in the store, where that is known. */
  used?: number;
  /** `pending`, `complete`, … */
  status?: string;
  /** Of a disk image: see `ImageContent`. Absent until the storage sub-agent has looked. */
  kind?: ImageContent['kind'];
  boots?: Firmware[];
}

export const imageSchema = Joi.object<Image>({
  id: Joi.string().required(),
  type: Joi.string().allow('').default(''),
  volume: Joi.string().allow(''),
  snapshot: Joi.string().allow(''),
  size: Joi.number().default(0),
  used: Joi.number().description('MB that it takes in the store'),
  status: Joi.string().allow(''),
  kind: Joi.string()
    .valid('disk', 'iso')
    .description('What the content of a disk image is: an ISO image is for CD drives'),
  boots: Joi.array()
    .items(Joi.string().valid(...FIRMWARES))
    .description('The firmware that can boot a disk image, as far as its content tells'),
}).label('image');

/** Match sums in hex. */
export const SHA256 = /^[0-9a-f]{64}$/i;
export const SHA512 = /^[0-9a-f]{128}$/i;

/** The body of `POST /images`. */
export interface ImageFetch {
  id: string;
  type?: string;
  source?: string;
  /** The sum in hex of the file as it is served, before any decompression. */
  sha256?: string;
  /** As `sha256`. */
  sha512?: string;
  /** URL of a file of sums that includes the source. */
  sums?: string;
  /** The format of the file, once decompressed: by default it is detected. */
  format?: FetchFormat;
  /** Whether to fetch the image although it exists, and to replace it. */
  refresh?: boolean;
  /** The platform of an image of a registry: `linux/arm64`; by default that of the host. */
  platform?: string;
  /** A guest of this host, to make the image of one of its disks. */
  guest?: string;
  /** The snapshot of the guest; its present state by default. */
  snapshot?: string;
  /** The disk of the guest; its only one by default. */
  disk?: string;
}

/** Other keys that clients of the original agent may send. They have no effect. */
const WITHOUT_EFFECT = /^(dest|volume|size|status)$/;

export const platformSchema = Joi.string()
  .max(64)
  .pattern(/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9]+)?$/, 'be a platform, such as linux/arm64');

export const imageFetchSchema = Joi.object<ImageFetch>({
  id: imageIdSchema.required(),
  type: Joi.string().allow('', null).max(64).description('`kvm` (the default) or `container`').example('kvm'),
  source: Joi.string()
    .allow('', null)
    .max(4096)
    .description('An http, https or file URL; by default the image server')
    .example('http://192.0.2.1/debian-12.qcow2'),
  sha256: Joi.string()
    .pattern(SHA256, 'be a SHA-256 sum: 64 hex digits')
    .allow('', null)
    .description('The expected SHA-256 sum of the file as it is served')
    .example('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
  sha512: Joi.string()
    .pattern(SHA512, 'be a SHA-512 sum: 128 hex digits')
    .allow('', null)
    .description('The expected SHA-512 sum of the file as it is served'),
  sums: Joi.string()
    .allow('', null)
    .max(4096)
    .description('URL of a file of sha256 or sha512 sums in which the source is listed by its name')
    .example('https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS'),
  format: Joi.string()
    .valid(...FETCH_FORMATS)
    .allow('', null)
    .description(
      'The format of the file, for a raw disk or a `rootfs` (container) that does not show what it is',
    )
    .example('raw'),
  platform: platformSchema
    .allow('', null)
    .description('The platform of a container image from a registry; by default that of the host')
    .example('linux/arm64'),
  refresh: Joi.boolean()
    .allow(null)
    .description('Fetch the image again if it exists; guests keep the version that they were made of'),
  guest: guestIdSchema.description(
    'A guest of this host: makes the image of its disk, instead of fetching it',
  ),
  snapshot: snapshotNameSchema
    .allow('', null)
    .description('With `guest`: the snapshot; the present state when absent'),
  disk: diskIdSchema.description('With `guest`: the disk, for a guest with several'),
})
  .without('guest', ['source', 'sha256', 'sha512', 'sums', 'format', 'refresh'])
  .with('disk', 'guest')
  .pattern(WITHOUT_EFFECT, Joi.any())
  // A misspelt sum would otherwise count as checked.
  .unknown(false)
  .messages({
    'object.unknown':
      '{{#label}} is not a key of an image to fetch: give id, type, source, sha256, sha512, sums, format or refresh, or guest, snapshot and disk for an image of a guest',
    'object.without':
      '"guest" makes an image of a disk of this host: leave out {{#peer}}, or "guest" to fetch the image',
    'object.with': '"disk" is the disk of a guest: name that in "guest"',
  })
  .label('image fetch')
  .example({
    id: 'debian-12',
    source: 'https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-generic-amd64.qcow2',
    sums: 'https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS',
  });
