import { parseArgsStringToArgv } from 'string-argv';
import type { Metadata } from '../../model/guest.js';
import { Refusal } from '../../rpc/protocol/refusal.js';

const ENV_PREFIX = 'env.';

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((word) => typeof word === 'string');

const parseJson = (key: string, text: string): string[] => {
  let words: unknown;
  try {
    words = JSON.parse(text);
  } catch {
    words = undefined;
  }
  if (!isStrings(words))
    throw new Refusal('invalid', `metadata ${key} is not a JSON array of strings: ${text}`);
  return words;
};

/** Splits a command into words: a JSON array, or a line with quotes. No shell is involved. */
const parseCommand = (key: string, text: string): string[] =>
  text.trimStart().startsWith('[') ? parseJson(key, text) : parseArgsStringToArgv(text);

/** The program in a container, as fields of the Docker Engine API's `ContainerCreate`. */
export interface ProgramOptions {
  Cmd?: string[];
  Entrypoint?: string[];
  Env?: string[];
}

/**
 * Reads the metadata `command`, `entrypoint` and `env.NAME`.
 * @throws when one of them looks like a JSON array but is not an array of strings
 */
export const programOptions = (metadata: Metadata = {}): ProgramOptions => {
  const env = Object.entries(metadata)
    .filter(([key]) => key.startsWith(ENV_PREFIX) && key.length > ENV_PREFIX.length)
    .map(([key, value]) => `${key.slice(ENV_PREFIX.length)}=${value}`);
  const { command, entrypoint } = metadata;
  return {
    ...(command ? { Cmd: parseCommand('command', command) } : {}),
    ...(entrypoint ? { Entrypoint: parseCommand('entrypoint', entrypoint) } : {}),
    ...(env.length ? { Env: env } : {}),
  };
};
