import { split } from 'shlex';
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
  if (!isStrings(words)) throw new Refusal('invalid', `metadata ${key} is not a JSON array of strings`);
  return words;
};

/**
 * Splits a line into words as a POSIX shell does: quotes, backslashes, nothing else.
 * @throws without the words, which may be secret, when a quote or an escape does not end, or when shlex is known to differ from a shell
 */
const splitLine = (key: string, line: string): string[] => {
  const refuse = (why: string): never => {
    throw new Refusal('invalid', `metadata ${key} ${why}, so write it as a JSON array of strings`);
  };
  let words: string[];
  try {
    words = split(line);
  } catch {
    return refuse('has a quote or a backslash at the end that nothing follows');
  }
  if (words.length === 0) return refuse('has no words');
  // Between double quotes a shell removes this backslash, and shlex keeps it. Between single quotes both keep it.
  if (words.some((word) => /\\[$`]/.test(word))) return refuse('has a backslash before $ or `');
  return words;
};

/** Splits a command into words: a JSON array as it is, or a line. No shell is involved. */
const parseCommand = (key: string, text: string): string[] =>
  text.trimStart().startsWith('[') ? parseJson(key, text) : splitLine(key, text);

/** The program in a container, as fields of the Docker Engine API's `ContainerCreate`. */
export interface ProgramOptions {
  Cmd?: string[];
  Entrypoint?: string[];
  Env?: string[];
}

/**
 * Reads the metadata `command`, `entrypoint` and `env.NAME`.
 * @throws {Refusal} `invalid` when one of them is not an array of strings, or not a line of words
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

/** The program that an image names. */
export interface ImageProgram {
  Cmd?: string[] | null | undefined;
  Entrypoint?: string | string[] | null | undefined;
}

const isEmpty = (words: readonly string[] | undefined): boolean => words?.length === 0;

/** Whether the entry point is cleared: engines take one empty word for none. */
const isCleared = (words: readonly string[] | undefined): boolean =>
  isEmpty(words) || (words?.length === 1 && words[0] === '');

const wordsOf = (words: ImageProgram['Entrypoint']): string[] =>
  typeof words === 'string' ? [words] : (words ?? []);

/** Whether neither the metadata nor the image names a program. */
const hasNone = (program: ProgramOptions, image: ImageProgram): boolean =>
  [program.Cmd, program.Entrypoint, image.Cmd].every((words) => (words ?? []).length === 0) &&
  wordsOf(image.Entrypoint).every((word) => word === '');

/**
 * Spells out an empty `entrypoint` or `command`, which clears that of the image. Engines differ: Podman runs the image's
 * entry point when it gets `[]`, and only `[""]` clears it; all of them run the image's command when they get `[]`.
 * @throws {Refusal} `invalid` when nothing is left to run
 */
export const clearingProgram = (program: ProgramOptions, image: ImageProgram): ProgramOptions => {
  const { Cmd, Entrypoint } = program;
  if (hasNone(program, image))
    throw new Refusal(
      'invalid',
      'the container has nothing to run: its image has no command, so give one in the metadata, such as command=sh (--metadata command=sh)',
    );
  if (!isCleared(Entrypoint) && !isEmpty(Cmd)) return program;
  const entrypoint = isCleared(Entrypoint) ? [] : (Entrypoint ?? wordsOf(image.Entrypoint));
  const command = isEmpty(Cmd) ? [] : (Cmd ?? (isCleared(Entrypoint) ? (image.Cmd ?? []) : []));
  if (entrypoint.length + command.length === 0)
    throw new Refusal(
      'invalid',
      'the container has nothing to run: its metadata and its image leave both command and entrypoint empty: give a command, such as --metadata command=sh',
    );
  return { ...program, Entrypoint: entrypoint.length === 0 ? [''] : entrypoint, Cmd: command };
};
