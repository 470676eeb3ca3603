import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { errorMessage, isErrno } from '../errors.js';
import { describeMistake } from '../model/describe-mistakes.js';
import { extendLayers, type Layer, layerOf, unknownActions } from './layers.js';
import { parseJson } from './parse-json.js';
import { ConfigSyntaxError, type Parsed } from './parsed.js';
import { type ConfigFile, configFileSchema } from './schema.js';

export const isYaml = (file: string): boolean => ['.yaml', '.yml'].includes(extname(file));

const parseConfig = async (file: string): Promise<Parsed> => {
  const text = await readFile(file, 'utf8');
  return isYaml(file) ? (await import('./parse-yaml.js')).parseYaml(text) : parseJson(text);
};

const describeError = (file: string, error: unknown): string =>
  error instanceof ConfigSyntaxError
    ? `${file}:${error.line}:${error.column}: ${error.message}`
    : `${file}: ${errorMessage(error)}`;

/** A config file: the path by which it is read, and its path without symbolic links, which identifies it. */
interface Source {
  file: string;
  identity: string;
}

const sourceOf = async (file: string): Promise<Source> => ({
  file,
  // A file that does not exist, or loops, is rejected when it is read.
  identity: await realpath(file).catch(() => resolve(file)),
});

/** Explains why a file cannot be extended; returns undefined when it can. */
const whyNotExtended = async (file: string): Promise<string | undefined> => {
  try {
    return (await stat(file)).isFile() ? undefined : `${file} is not a file`;
  } catch (error) {
    return isErrno(error, 'ENOENT') ? `${file} does not exist` : errorMessage(error);
  }
};

/** Describes the circle that extending a file would close; returns undefined when it closes none. */
const findCircle = ({ file, identity }: Source, extending: readonly Source[]): string | undefined => {
  const start = extending.findIndex((other) => other.identity === identity);
  if (start < 0) return undefined;
  const files = [...extending.slice(start).map((other) => other.file), file];
  return `the files extend each other: ${files.join(' > ')}`;
};

/** Reads config files and the files that they extend, each once. */
export class ConfigReader {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  /** The files read so far, by identity. */
  readonly #layers = new Map<string, Layer>();

  /** Reads a file and the files that it extends, and records what is wrong with them in `problems`. */
  async read(file: string): Promise<Layer> {
    return this.#read(await sourceOf(file), []);
  }

  /** @param extending the files that extend this one, outermost first */
  async #read(source: Source, extending: readonly Source[]): Promise<Layer> {
    const layer = this.#layers.get(source.identity) ?? (await this.#readNow(source, extending));
    this.#layers.set(source.identity, layer);
    return layer;
  }

  async #readNow(source: Source, extending: readonly Source[]): Promise<Layer> {
    const { file } = source;
    const content = await this.#parse(file);
    if (content === undefined) return new Map();
    for (const name of unknownActions(content))
      this.problems.push(`${file}: actions.${name}: there is no such action`);
    const bases: Layer[] = [];
    for (const base of [content.extends ?? []].flat()) {
      const path = isAbsolute(base) ? base : join(dirname(file), base);
      bases.push(await this.#readBase(path, [...extending, source]));
    }
    return extendLayers(bases, layerOf(file, content), this.onConflict);
  }

  async #readBase(file: string, extending: readonly Source[]): Promise<Layer> {
    const source = await sourceOf(file);
    const problem = findCircle(source, extending) ?? (await whyNotExtended(file));
    if (problem === undefined) return this.#read(source, extending);
    this.problems.push(`${extending.at(-1)?.file}: extends: ${problem}`);
    return new Map();
  }

  /** Parses and validates a file. Returns undefined when it cannot be used. */
  async #parse(file: string): Promise<ConfigFile | undefined> {
    let parsed: Parsed;
    try {
      parsed = await parseConfig(file);
    } catch (error) {
      this.problems.push(describeError(file, error));
      return undefined;
    }
    this.problems.push(...parsed.duplicates.map((key) => `${file}: ${key}: defined twice in this file`));
    return this.#validate(file, parsed.content);
  }

  #validate(file: string, content: unknown): ConfigFile | undefined {
    const { value, error } = configFileSchema.validate(content, {
      abortEarly: false,
      errors: { wrap: { label: '' } },
    });
    let isUsable = true;
    for (const detail of error?.details ?? []) {
      const { type, path } = detail;
      if (type === 'object.unknown') {
        this.warnings.push(`${file}: ${path.join('.')}: unknown key, ignored`);
        continue;
      }
      this.problems.push(`${file}: ${describeMistake(detail, (label) => label)}`);
      isUsable = false;
    }
    return isUsable ? value : undefined;
  }

  readonly onConflict = (key: string, file: string, earlier: string): void => {
    this.problems.push(`${file}: ${key}: defined already in ${earlier}`);
  };
}
