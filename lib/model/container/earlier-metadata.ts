import { type Guest, isContainer, type Metadata, metadataOf, normalizeGuest } from '../guest.js';
import type { ContainerSpec } from './spec.js';

const ENV_PREFIX = 'env.';

/** The fields that have taken the place of metadata keys. */
const FIELDS: Readonly<Record<string, keyof ContainerSpec>> = {
  command: 'command',
  entrypoint: 'entrypoint',
  'cap-add': 'capAdd',
  'cap-drop': 'capDrop',
  'pids-limit': 'pidsLimit',
  'no-new-privileges': 'noNewPrivileges',
};

const fieldOf = (key: string): string | undefined => {
  if (key.startsWith(ENV_PREFIX) && key.length > ENV_PREFIX.length) {
    const name = key.slice(ENV_PREFIX.length);
    return `env.${name}" or, when no client may read it, "container.secretEnv.${name}`;
  }
  return Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
};

/** Says where a container's metadata has a key that has become a field of its own; `undefined` where it has none. */
export const movedKeyMistake = (metadata: Metadata): string | undefined => {
  for (const key of Object.keys(metadata)) {
    const field = fieldOf(key);
    if (field !== undefined)
      return `"metadata.${key}" has no effect on a container: give "container.${field}" instead`;
  }
  return undefined;
};

const wordsOf = (text: string): string[] | string => {
  if (!text.trimStart().startsWith('[')) return text;
  try {
    return JSON.parse(text) as string[];
  } catch {
    return text;
  }
};

const listOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** How each field reads the text that was in the metadata. */
const READERS: Readonly<Record<string, (text: string) => ContainerSpec>> = {
  command: (text) => ({ command: wordsOf(text) }),
  entrypoint: (text) => ({ entrypoint: wordsOf(text) }),
  'cap-add': (text) => ({ capAdd: listOf(text) }),
  'cap-drop': (text) => ({ capDrop: listOf(text) }),
  'pids-limit': (text) => (/^[1-9]\d*$/.test(text) ? { pidsLimit: Number(text) } : {}),
  'no-new-privileges': (text) => ({ noNewPrivileges: text === 'true' }),
};

/**
 * Moves the metadata keys of a container of an earlier version to the fields that have taken their place. Its environment
 * becomes secret, because it was hidden from most clients. Returns any other guest as it is.
 */
export const withContainerFields = (guest: Guest): Guest => {
  const before = metadataOf(guest);
  if (!isContainer(guest) || movedKeyMistake(before) === undefined) return guest;
  const container: ContainerSpec = {};
  const kept: Metadata = {};
  for (const [key, value] of Object.entries(before)) {
    if (fieldOf(key) === undefined) kept[key] = value;
    else if (key.startsWith(ENV_PREFIX))
      container.secretEnv = { ...container.secretEnv, [key.slice(ENV_PREFIX.length)]: value };
    else Object.assign(container, READERS[key]?.(value));
  }
  return normalizeGuest({ ...guest, container: { ...container, ...guest.container }, metadata: kept });
};
