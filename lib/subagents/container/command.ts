import { split } from 'shlex';
import type { Words } from '../../model/container/program.js';
import type { ContainerSpec } from '../../model/container/spec.js';
import { Refusal } from '../../rpc/protocol/refusal.js';

/**
 * Splits a line into words as a POSIX shell does: quotes, backslashes, nothing else.
 * @throws without the words, which may be secret, when a quote or an escape does not end, or when shlex is known to differ from a shell
 */
const splitLine = (key: string, line: string): string[] => {
  const refuse = (why: string): never => {
    throw new Refusal('invalid', `container.${key} ${why}, so write it as an array of words`);
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

/**
 * Returns the words of a key of `container`. No shell is involved.
 * @throws {Refusal} `invalid` for a line whose words are uncertain
 */
export const wordsIn = (key: string, words: Words): string[] =>
  typeof words === 'string' ? splitLine(key, words) : words;

/** The program in a container, as fields of the Docker Engine API's `ContainerCreate`. */
export interface ProgramOptions {
  Cmd?: string[];
  Entrypoint?: string[];
  Env?: string[];
}

/**
 * Reads what the program is and its environment.
 * @throws {Refusal} `invalid` for a line whose words are uncertain
 */
export const programOptions = (spec: ContainerSpec = {}): ProgramOptions => {
  const { command, entrypoint, env, secretEnv } = spec;
  const variables = Object.entries({ ...env, ...secretEnv }).map(([name, value]) => `${name}=${value}`);
  return {
    ...(command === undefined ? {} : { Cmd: wordsIn('command', command) }),
    ...(entrypoint === undefined ? {} : { Entrypoint: wordsIn('entrypoint', entrypoint) }),
    ...(variables.length ? { Env: variables } : {}),
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

/** Whether neither the guest nor the image names a program. */
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
      'the container has nothing to run: its image has no command, so give one in container.command, such as ["sh"] (--command sh)',
    );
  if (!isCleared(Entrypoint) && !isEmpty(Cmd)) return program;
  const entrypoint = isCleared(Entrypoint) ? [] : (Entrypoint ?? wordsOf(image.Entrypoint));
  const command = isEmpty(Cmd) ? [] : (Cmd ?? (isCleared(Entrypoint) ? (image.Cmd ?? []) : []));
  if (entrypoint.length + command.length === 0)
    throw new Refusal(
      'invalid',
      'the container has nothing to run: the guest and its image leave both command and entrypoint empty: give a command in container.command, such as ["sh"] (--command sh)',
    );
  return { ...program, Entrypoint: entrypoint.length === 0 ? [''] : entrypoint, Cmd: command };
};
