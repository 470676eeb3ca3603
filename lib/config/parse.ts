/** A config file's content, and the keys in it that are defined twice, each by its place. */
export interface Parsed {
  content: unknown;
  duplicates: string[];
}

/** Strings of a JSON text; those that are keys with the colon after them. */
const STRINGS = /"(?:[^"\\]+|\\.)*"(\s*:)?/g;

const keysIn = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const values = Object.values(value);
  const own = Array.isArray(value) ? 0 : values.length;
  return values.reduce((sum: number, each) => sum + keysIn(each), own);
};

const writtenKeys = (text: string): number =>
  [...text.matchAll(STRINGS)].filter(([, colon]) => colon !== undefined).length;

/**
 * Reads JSON. What reads YAML is loaded only for what needs it: most agents have no YAML.
 * @throws {SyntaxError} when it is not JSON
 */
export const parseJson = async (text: string): Promise<Parsed> => {
  const content: unknown = JSON.parse(text);
  if (writtenKeys(text) === keysIn(content)) return { content, duplicates: [] };
  const { duplicateKeys } = await import('./duplicate-keys.js');
  return { content, duplicates: duplicateKeys(text) };
};

/**
 * Reads YAML.
 * @throws {Error} when it is not YAML
 */
export const parseYaml = async (text: string): Promise<Parsed> => {
  const [{ parse }, { duplicateKeys }] = await Promise.all([import('yaml'), import('./duplicate-keys.js')]);
  return { content: parse(text, { uniqueKeys: false }), duplicates: duplicateKeys(text) };
};
