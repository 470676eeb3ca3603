import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import Joi from 'joi';
import type { CatalogueSourceConfig } from '../../config/catalogue.js';
import { errorMessage, invalid } from '../../errors.js';
import { ifExists, replaceFile } from '../../files/atomic-files.js';
import type { Logger } from '../../log.js';
import {
  architecture,
  type CatalogueImage,
  type CatalogueListing,
  type CatalogueQuery,
  type CatalogueSource,
  catalogueImageSchema,
} from '../../model/catalogue.js';
import type { ReadJson } from './download.js';
import { readList } from './list.js';
import { readSimplestreams } from './simplestreams.js';

const DEFAULT_MAX_AGE_S = 6 * 60 * 60;
/** Milliseconds for which a source that has failed is not asked again. */
const RETRY_MS = 30_000;

/** What is known of a source. */
interface Known {
  /** Where its list was read. */
  url: string;
  images: CatalogueImage[];
  /** When its list was read. */
  read: string;
}

const knownSchema = Joi.object<Known>({
  url: Joi.string().required(),
  images: Joi.array().items(catalogueImageSchema).required(),
  read: Joi.string().isoDate().required(),
}).required();

export interface CatalogueOptions {
  sources: ReadonlyMap<string, CatalogueSourceConfig>;
  /** Seconds. */
  maxAge?: number | undefined;
  /** Directory of the last known lists, for the time after a restart. */
  directory: string;
  readJson: ReadJson;
  log: Logger;
  now?: () => number;
}

/** One source: its last known list, and why a newer one could not be read. */
class Source {
  readonly name: string;
  readonly #options: CatalogueOptions;
  readonly #config: CatalogueSourceConfig;
  #known: Known | undefined;
  #problem: { text: string; at: number } | undefined;
  #reading: Promise<void> | undefined;
  #isOpen = false;

  constructor(name: string, config: CatalogueSourceConfig, options: CatalogueOptions) {
    this.name = name;
    this.#config = config;
    this.#options = options;
  }

  get images(): readonly CatalogueImage[] {
    return this.#known?.images ?? [];
  }

  describe(): CatalogueSource {
    const { name } = this;
    return {
      ...{ name, url: this.#url },
      ...(this.#known ? { read: this.#known.read } : {}),
      ...(this.#problem ? { problem: this.#problem.text } : {}),
    };
  }

  /** Reads the list, unless what is known of it is new enough. Concurrent callers share one reading. */
  async refresh(): Promise<void> {
    if (!this.#isOpen) await this.#open();
    const now = this.#now();
    const age = this.#known ? now - Date.parse(this.#known.read) : Number.POSITIVE_INFINITY;
    if (age >= 0 && age < (this.#options.maxAge ?? DEFAULT_MAX_AGE_S) * 1000) return;
    if (!this.#reading && this.#problem && now - this.#problem.at < RETRY_MS) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { readJson, log } = this.#options;
    const { simplestreams, list = '' } = this.#config;
    try {
      const images =
        simplestreams === undefined
          ? await readList(list, readJson)
          : await readSimplestreams(simplestreams, readJson);
      const { name: source } = this;
      this.#known = {
        url: this.#url,
        images: images.map((image) => ({ ...image, source })),
        read: new Date(this.#now()).toISOString(),
      };
      this.#problem = undefined;
    } catch (error) {
      this.#problem = { text: errorMessage(error), at: this.#now() };
      log.warn({ source: this.name }, `list of images not read: ${this.#problem.text}`);
      return;
    }
    await this.#keep().catch((error: unknown) => {
      log.warn({ source: this.name }, `list of images not kept: ${errorMessage(error)}`);
    });
  }

  /** Takes up the list that an earlier run of the agent has kept. One of another format, or of another address, counts for nothing. */
  async #open(): Promise<void> {
    this.#isOpen = true;
    const kept = await ifExists(readFile(this.#path, 'utf8')).catch(() => undefined);
    if (kept === undefined) return;
    try {
      const { error, value } = knownSchema.validate(JSON.parse(kept), { convert: false });
      if (!error && value.url === this.#url) this.#known ??= value;
    } catch {}
  }

  async #keep(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await replaceFile(this.#path, JSON.stringify(this.#known));
  }

  get #url(): string {
    return this.#config.simplestreams ?? this.#config.list ?? '';
  }

  get #path(): string {
    return join(this.#options.directory, `${this.name}.json`);
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }
}

const words = (search: string): string[] => search.toLowerCase().split(/\s+/).filter(Boolean);

const matches = ({ id, aliases, title }: CatalogueImage, search: string): boolean => {
  const text = [id, ...aliases, title].join(' ').toLowerCase();
  return words(search).every((word) => text.includes(word));
};

/** Names the images of a source, whose ids earlier sources may have taken. */
const named = (source: Source, taken: Set<string>): CatalogueImage[] =>
  source.images.map((image) => {
    const key = (id: string): string => `${image.arch} ${id}`;
    const id = taken.has(key(image.id)) ? `${source.name}/${image.id}` : image.id;
    const aliases = image.aliases.filter((alias) => !taken.has(key(alias)));
    for (const name of [id, ...aliases]) taken.add(key(name));
    return { ...image, id, aliases, fetch: { ...image.fetch, id } };
  });

/**
 * The images that can be fetched by name. The lists of the sources are kept for a time; a source that cannot be read
 * serves its last known list, and keeps no other from being served.
 */
export class Catalogue {
  readonly #sources: readonly Source[];

  constructor(options: CatalogueOptions) {
    this.#sources = [...options.sources].map(([name, config]) => new Source(name, config, options));
  }

  /** @throws {AgentError} `invalid` for a source that the config does not have */
  async list({ search = '', arch = process.arch, source }: CatalogueQuery): Promise<CatalogueListing> {
    if (source !== undefined && !this.#sources.some(({ name }) => name === source))
      throw invalid(
        `"source" is ${source}, which the config does not have: choose from ${this.#sources.map(({ name }) => name).join(', ') || 'none'}`,
      );
    await Promise.all(this.#sources.map((each) => each.refresh()));
    const taken = new Set<string>();
    const wanted = architecture(arch);
    const images = this.#sources
      .flatMap((each) => named(each, taken))
      .filter((image) => wanted === 'all' || image.arch === wanted)
      .filter((image) => source === undefined || image.source === source)
      .filter((image) => matches(image, search));
    return { images, sources: this.#sources.map((each) => each.describe()) };
  }
}
