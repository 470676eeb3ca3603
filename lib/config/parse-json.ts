import { findJsonMistake } from '../model/json-mistake.js';
import { ConfigSyntaxError, type Parsed } from './parsed.js';

/** Strings in a JSON text; a key includes the colon after it. */
const STRINGS = /"(?:[^"\\]+|\\.)*"(\s*:)?/g;

const countWrittenKeys = (text: string): number =>
  [...text.matchAll(STRINGS)].filter(([, colon]) => colon !== undefined).length;

const countParsedKeys = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const values = Object.values(value);
  const own = Array.isArray(value) ? 0 : values.length;
  return values.reduce((sum: number, each) => sum + countParsedKeys(each), own);
};

const locateMistake = async (text: string): Promise<ConfigSyntaxError | undefined> => {
  const found = await findJsonMistake(text);
  return found && new ConfigSyntaxError(found.mistake, text, found.offset);
};

const parseText = async (text: string): Promise<unknown> => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw (await locateMistake(text)) ?? error;
  }
};

/**
 * Parses JSON. The YAML parser, which takes long to load, is needed only to name the keys that occur twice.
 * @throws {ConfigSyntaxError} at the first mistake
 */
export const parseJson = async (text: string): Promise<Parsed> => {
  const content = await parseText(text);
  if (countWrittenKeys(text) === countParsedKeys(content)) return { content, duplicates: [] };
  const { duplicateKeys } = await import('./parse-yaml.js');
  return { content, duplicates: duplicateKeys(text) };
};
