import { type Document, isMap, isScalar, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { usageFailure } from './failure.js';

const HEADER = '#cloud-config';
const KEYS = 'ssh_authorized_keys';

/** cloud-init reads user-data as a cloud-config only with this first line; others are scripts, archives and templates. */
const isCloudConfig = (text: string): boolean => /^#cloud-config[ \t]*(\r?\n|$)/.test(text);

/** cloud-init reads YAML 1.1. */
const parse = (text: string): Document.Parsed => parseDocument(text, { version: '1.1' });

/**
 * Checks user-data, if it is a cloud-config.
 * @param title how to call it in a message
 * @throws {Failure} that names the line of the mistake
 */
export const requireValid = (text: string, title: string): void => {
  if (!isCloudConfig(text)) return;
  const { errors, contents } = parse(text);
  const [error] = errors;
  if (error) {
    const line = error.linePos?.[0].line ?? 1;
    const [reason] = error.message.split(/ at line \d|\n/);
    throw usageFailure(`${title}: line ${line} is not valid YAML: ${reason}`, 'Nothing was sent.');
  }
  if (contents !== null && !isMap(contents))
    throw usageFailure(`${title}: a ${HEADER} has keys, such as "packages:", got something else`);
};

const itemsOf = (list: YAMLSeq): unknown[] =>
  list.items.map((item) => (isScalar(item) ? String(item.value).trim() : undefined));

const lines = (keys: readonly string[], indent: string): string =>
  keys.map((key) => `${indent}- ${JSON.stringify(key)}\n`).join('');

const insertAt = (text: string, at: number, added: string): string =>
  text.slice(0, at) + added + text.slice(at);

/** Where the line after a position begins. */
const nextLine = (text: string, from: number): number => {
  const end = text.indexOf('\n', Math.max(0, from - 1));
  return end < 0 ? text.length : end + 1;
};

const indentAt = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', at - 1) + 1))?.[0] ?? '';

/** Adds keys to a list that the text has. */
const extendList = (text: string, list: YAMLSeq, keys: readonly string[]): string => {
  const last = list.items.at(-1) as { range?: [number, number, number] } | undefined;
  const [, end = 0] = list.range ?? [];
  if (list.flow) {
    const separator = list.items.length === 0 || /,\s*$/.test(text.slice(0, end - 1)) ? '' : ', ';
    return insertAt(text, end - 1, separator + keys.map((key) => JSON.stringify(key)).join(', '));
  }
  const [begin = 0, lastEnd = 0] = last?.range ?? [];
  return insertAt(text, nextLine(text, lastEnd), lines(keys, indentAt(text, begin)));
};

/** Adds the list of keys to a text that has none. */
const addList = (text: string, map: YAMLMap | undefined, keys: readonly string[]): string => {
  const [begin = 0, end = 0] = map?.range ?? [];
  if (map?.flow && map.items.length > 0)
    return insertAt(text, end - 1, `, ${KEYS}: [${keys.map((key) => JSON.stringify(key)).join(', ')}]`);
  const indent = map && !map.flow ? indentAt(text, begin) : '';
  const list = `${indent}${KEYS}:\n${lines(keys, `${indent}  `)}`;
  return map?.flow ? text.slice(0, begin) + list + text.slice(end) : text + list;
};

const merge = (text: string, keys: readonly string[]): string => {
  const { contents } = parse(text);
  const map = isMap(contents) ? contents : undefined;
  const list = map?.get(KEYS, true) as unknown;
  if (!isSeq(list)) return addList(text, map, keys);
  const present = itemsOf(list);
  const added = keys.filter((key) => !present.includes(key));
  return added.length === 0 ? text : extendList(text, list, added);
};

const hasAll = (text: string, keys: readonly string[]): boolean => {
  const { errors, contents } = parse(text);
  const list = isMap(contents) ? contents.get(KEYS, true) : undefined;
  return errors.length === 0 && isSeq(list) && keys.every((key) => itemsOf(list).includes(key));
};

/**
 * Adds SSH keys to a cloud-config; the rest of the text stays as it is, byte by byte.
 * @param text `""` for a new one
 * @param title how to call it in a message
 * @throws {Failure} when the text is no cloud-config, or its keys have a form to which nothing can be added
 */
export const withAuthorizedKeys = (text: string, keys: readonly string[], title: string): string => {
  const wanted = [...new Set(keys)];
  if (text.trim() === '') return `${HEADER}\n${KEYS}:\n${lines(wanted, '  ')}`;
  if (!isCloudConfig(text))
    throw usageFailure(
      `an SSH key can be added only to a ${HEADER}, and ${title} begins with another line`,
      'Let it add the key itself, or leave out --ssh-key.',
    );
  const merged = merge(text.endsWith('\n') ? text : `${text}\n`, wanted);
  if (!hasAll(merged, wanted))
    throw usageFailure(
      `the SSH key cannot be added to ${title}: write it into "${KEYS}" there`,
      'Example: ssh_authorized_keys: [ssh-ed25519 AAAA…]',
    );
  return merged;
};
