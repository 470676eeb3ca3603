import { readFile, stat } from 'node:fs/promises';
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

/** Explains why a file cannot be extended; returns undefined when it can. */
const whyNotExtended = async (file: string): Promise<string | undefined> => {
  try {
    return (await stat(file)).isFile() ? undefined : `${file} is not a file`;
  } catch (error) {
    return isErrno(error, 'ENOENT') ? `${file} does not exist` : errorMessage(error);
  }
};

/** Describes the circle that extending a file would close; returns undefined when it closes none. */
const findCircle = (file: string, extending: readonly string[]): string | undefined => {
  const start = extending.findIndex((other) => resolve(other) === resolve(file));
  return start < 0
    ? undefined
    : `the files extend each other: ${[...extending.slice(start), file].join(' > ')}`;
};

/** Reads config files and the files that they extend, each once. */
export class ConfigReader {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  /** The files read so far, by absolute path. */
  readonly #layers = new Map<string, Layer>();

  /**
   * Reads a file and the files that it extends, and records what is wrong with them in `problems`.
   * @param extending the files that extend this one, outermost first
   */
  async read(file: string, extending: readonly string[] = []): Promise<Layer> {
    const path = resolve(file);
    const layer = this.#layers.get(path) ?? (await this.#readNow(file, extending));
    this.#layers.set(path, layer);
    return layer;
  }

  async #readNow(file: string, extending: readonly string[]): Promise<Layer> {
    const content = await this.#parse(file);
    if (content === undefined) return new Map();
    for (const name of unknownActions(content))
      this.problems.push(`${file}: actions.${name}: there is no such action`);
    const bases: Layer[] = [];
    for (const base of [content.extends ?? []].flat()) {
      const path = isAbsolute(base) ? base : join(dirname(file), base);
      bases.push(await this.#readBase(path, [...extending, file]));
    }
    return extendLayers(bases, layerOf(file, content), this.onConflict);
  }

  async #readBase(file: string, extending: readonly string[]): Promise<Layer> {
    const problem = findCircle(file, extending) ?? (await whyNotExtended(file));
    if (problem === undefined) return this.read(file, extending);
    this.problems.push(`${extending.at(-1)}: extends: ${problem}`);
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
