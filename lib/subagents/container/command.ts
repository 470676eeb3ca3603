import { parseArgsStringToArgv } from 'string-argv';
import type { Metadata } from '../../model/guest.js';

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
  if (!isStrings(words)) throw new Error(`metadata ${key}: not a JSON array of strings: ${text}`);
  return words;
};

/** The words of a command: a JSON array, or a line in which quotes keep words together; no shell is involved. */
const parseCommand = (key: string, text: string): string[] =>
  text.trimStart().startsWith('[') ? parseJson(key, text) : parseArgsStringToArgv(text);

/** What a guest's metadata say of the program in its container; as the Docker Engine API has it. */
export interface ProgramOptions {
  Cmd?: string[];
  Entrypoint?: string[];
  Env?: string[];
}

/**
 * Reads the metadata `command`, `entrypoint` and `env.NAME`.
 * @throws when one makes no sense
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
