import Joi from 'joi';
import { architecture, type OfferedImage } from '../../model/catalogue.js';
import { SHA256 } from '../../model/image.js';
import { imageIdSchema } from '../../model/image-id.js';
import type { ReadJson } from './download.js';

/** The keys of simplestreams that matter here. Servers have others beside them. */
interface Item {
  ftype: string;
  path: string;
  sha256: string;
  size?: number;
}

interface Product {
  os?: string;
  release?: string;
  release_title?: string;
  release_codename?: string;
  version?: string;
  variant?: string;
  arch: string;
  aliases?: string;
  versions: Record<string, unknown>;
}

/** The files that are disks which QEMU boots, the best first. All others are for containers or other hypervisors. */
const DISK_TYPES = ['disk1.img', 'disk-kvm.img', 'uefi1.img', 'disk.qcow2', 'qcow2'];

const text = Joi.string();

const itemSchema = Joi.object<Item>({
  ftype: text.valid(...DISK_TYPES).required(),
  path: text.required(),
  sha256: text.pattern(SHA256).required(),
  size: Joi.number().min(0),
}).unknown();

const productSchema = Joi.object<Product>({
  arch: text.required(),
  ...{ os: text, release: text, release_title: text, release_codename: text, version: text },
  variant: text.allow(''),
  aliases: text.allow(''),
  versions: Joi.object().required(),
}).unknown();

const indexSchema = Joi.object<{ index: Record<string, { path: string; datatype?: string }> }>({
  index: Joi.object()
    .pattern(text, Joi.object({ path: text.required(), datatype: text }).unknown())
    .required(),
})
  .required()
  .unknown();

const productsSchema = Joi.object<{ products: Record<string, unknown> }>({
  products: Joi.object().required(),
})
  .required()
  .unknown();

const check = <Value>(schema: Joi.ObjectSchema<Value>, value: unknown, what: string): Value => {
  const { error, value: checked } = schema.validate(value, { convert: false });
  if (error) throw new Error(`${what} is not of the format of simplestreams: ${error.message}`);
  return checked;
};

const valid = <Value>(schema: Joi.ObjectSchema<Value>, value: unknown): Value | undefined => {
  const { error, value: checked } = schema.validate(value, { convert: false });
  return error ? undefined : checked;
};

const objectIn = (value: unknown, key: string): object => {
  const inner: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof inner === 'object' && inner !== null ? inner : {};
};

/** Finds the best disk of a version. A list has tens of thousands of items, so only disks are validated. */
const diskOf = (version: unknown): Item | undefined =>
  Object.values(objectIn(version, 'items'))
    .filter((item) => DISK_TYPES.includes((item as Partial<Item> | null)?.ftype ?? ''))
    .flatMap((item) => valid(itemSchema, item) ?? [])
    .sort((one, other) => DISK_TYPES.indexOf(one.ftype) - DISK_TYPES.indexOf(other.ftype))[0];

/** Finds the newest version that has a disk. */
const newest = ({ versions }: Product): { version: string; disk: Item } | undefined => {
  const names = Object.keys(versions).sort((one, other) => other.localeCompare(one, 'en', { numeric: true }));
  for (const version of names) {
    const disk = diskOf(versions[version]);
    if (disk) return { version, disk };
  }
  return undefined;
};

/** Lists the names of a product, the shortest way to write the release first. Ubuntu's aliases leave out the system. */
const namesOf = (
  key: string,
  { os = '', release, version, variant = '', aliases = '' }: Product,
): string[] => {
  const system = os.toLowerCase();
  const suffix = variant === '' || variant === 'default' ? '' : `/${variant}`;
  const own = [version, release].flatMap((each) =>
    system !== '' && each ? [`${system}/${each}${suffix}`] : [],
  );
  const listed = aliases
    .split(',')
    .map((alias) => alias.trim())
    .filter(Boolean)
    .map((alias) => (alias.includes('/') || system === '' ? alias : `${system}/${alias}`))
    .filter((alias) => !alias.endsWith('/default'));
  const names = [...new Set([...own, ...listed])].filter((name) => !imageIdSchema.validate(name).error);
  return names.length > 0 ? names : [key];
};

const titleOf = (key: string, product: Product): string => {
  const { os, release_title, release_codename, version, release, variant } = product;
  const codename = release_codename && release_codename !== release_title ? ` (${release_codename})` : '';
  const kind = variant && variant !== 'default' ? `, ${variant}` : '';
  const name = [os, release_title ?? version ?? release].filter(Boolean).join(' ');
  return name === '' ? key : `${name}${codename}${kind}`;
};

const imageOf = (base: string, key: string, product: Product): OfferedImage[] => {
  const found = newest(product);
  if (!found) return [];
  const { version, disk } = found;
  const [id = key, ...aliases] = namesOf(key, product);
  const { sha256, path, size } = disk;
  return [
    {
      ...{ id, aliases, title: titleOf(key, product), arch: architecture(product.arch), version },
      ...(size === undefined ? {} : { size }),
      // A path may have colons, as in 20260301_23:08.
      fetch: { id, source: new URL(`./${path}`, base).href, sha256 },
    },
  ];
};

/**
 * Reads what a server of simplestreams offers: the newest disk of each product.
 * @param url the base URL, below which it has `streams/v1/index.json`
 */
export const readSimplestreams = async (url: string, read: ReadJson): Promise<OfferedImage[]> => {
  const base = url.endsWith('/') ? url : `${url}/`;
  const { index } = check(indexSchema, await read(new URL('streams/v1/index.json', base).href), 'its index');
  const files = Object.values(index).filter(({ datatype }) => datatype === 'image-downloads');
  const documents = await Promise.all(files.map(({ path }) => read(new URL(`./${path}`, base).href)));
  return documents.flatMap((document) => {
    const { products } = check(productsSchema, document, 'its list of products');
    return Object.entries(products).flatMap(([key, product]) => {
      const known = valid(productSchema, product);
      return known ? imageOf(base, key, known) : [];
    });
  });
};
