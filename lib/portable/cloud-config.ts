import type { Document, YAMLMap, YAMLSeq } from 'yaml';

/** The library for YAML, which a browser and Node load from different places. */
export type Yaml = Pick<typeof import('yaml'), 'isMap' | 'isSeq' | 'parse' | 'parseDocument'>;

/** The first line of a cloud-config. */
export const HEADER = '#cloud-config';

/** cloud-init reads YAML 1.1. */
const OPTIONS = { version: '1.1' } as const;

/** cloud-init reads user-data as a cloud-config only with this first line; others are scripts, archives and templates. */
export const isCloudConfig = (text: string): boolean => /^#cloud-config[ \t]*(\r?\n|$)/.test(text);

const documentOf = ({ parseDocument }: Yaml, text: string): Document.Parsed => parseDocument(text, OPTIONS);

/** Says what is wrong with user-data, if it is a cloud-config: cloud-init ignores one that is not YAML. */
export const cloudConfigMistake = (yaml: Yaml, text: string): string | undefined => {
  if (!isCloudConfig(text)) return undefined;
  const { errors, contents } = documentOf(yaml, text);
  const [error] = errors;
  if (error) {
    const [reason] = error.message.split(/ at line \d|\n/);
    return `line ${error.linePos?.[0].line ?? 1} is not valid YAML: ${reason}`;
  }
  if (contents !== null && !yaml.isMap(contents))
    return `a ${HEADER} has keys, such as "packages:", got something else`;
  return undefined;
};

const lines = (items: readonly string[], indent: string): string =>
  items.map((item) => `${indent}- ${item}\n`).join('');

const insertAt = (text: string, at: number, added: string): string =>
  text.slice(0, at) + added + text.slice(at);

/** Where the line after a position begins. */
const nextLine = (text: string, from: number): number => {
  const end = text.indexOf('\n', Math.max(0, from - 1));
  return end < 0 ? text.length : end + 1;
};

const indentAt = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', at - 1) + 1))?.[0] ?? '';

/** Adds items to a list that the text has. */
const extendList = (text: string, list: YAMLSeq, items: readonly string[]): string => {
  const last = list.items.at(-1) as { range?: [number, number, number] } | undefined;
  const [, end = 0] = list.range ?? [];
  if (list.flow) {
    const separator = list.items.length === 0 || /,\s*$/.test(text.slice(0, end - 1)) ? '' : ', ';
    return insertAt(text, end - 1, separator + items.join(', '));
  }
  const [begin = 0, lastEnd = 0] = last?.range ?? [];
  return insertAt(text, nextLine(text, lastEnd), lines(items, indentAt(text, begin)));
};

/** Adds a list to a text that has none of that key. */
const addList = (text: string, map: YAMLMap | undefined, key: string, items: readonly string[]): string => {
  const [begin = 0, end = 0] = map?.range ?? [];
  if (map?.flow && map.items.length > 0) return insertAt(text, end - 1, `, ${key}: [${items.join(', ')}]`);
  const indent = map && !map.flow ? indentAt(text, begin) : '';
  const list = `${indent}${key}:\n${lines(items, `${indent}  `)}`;
  return map?.flow ? text.slice(0, begin) + list + text.slice(end) : text + list;
};

/** Returns the items of a list in a form that can be compared; `undefined` when there is no such list. */
const itemsOf = (yaml: Yaml, text: string, key: string): string[] | undefined => {
  const { errors, contents } = documentOf(yaml, text);
  const list = yaml.isMap(contents) ? contents.get(key, true) : undefined;
  if (errors.length > 0 || !yaml.isSeq(list)) return undefined;
  return (list.toJSON() as unknown[]).map((item) => JSON.stringify(item));
};

const comparable = ({ parse }: Yaml, item: string): string => JSON.stringify(parse(item, OPTIONS));

/**
 * Adds items to a list of a cloud-config, those that it lacks; the rest of the text stays as it is, byte by byte.
 * @param text `""` for a new one
 * @param items YAML, each in one line
 * @throws {Error} when the text is no cloud-config, or has the key in a form to which nothing can be added
 */
export const addToList = (yaml: Yaml, text: string, key: string, items: readonly string[]): string => {
  const wanted = [...new Set(items)];
  if (text.trim() === '') return `${HEADER}\n${key}:\n${lines(wanted, '  ')}`;
  if (!isCloudConfig(text))
    throw new Error(`"${key}" can be added only to a ${HEADER}, and this text begins with another line`);
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  const present = itemsOf(yaml, whole, key) ?? [];
  const added = wanted.filter((item) => !present.includes(comparable(yaml, item)));
  if (added.length === 0) return whole;
  const { contents } = documentOf(yaml, whole);
  const map = yaml.isMap(contents) ? contents : undefined;
  const list = map?.get(key, true) as unknown;
  const merged = yaml.isSeq(list) ? extendList(whole, list, added) : addList(whole, map, key, added);
  const after = itemsOf(yaml, merged, key);
  if (!added.every((item) => after?.includes(comparable(yaml, item))))
    throw new Error(`nothing can be added to "${key}" as it is written there: add it yourself`);
  return merged;
};
