import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replaceFile } from '../files/atomic-files.js';
import { notFoundFailure, usageFailure } from './failure.js';
import { configDirectory, isObject, readPrivateObject, type Settings, settingsIn } from './settings-file.js';

/** Agents by name, each with its address and its credentials. */
export interface Contexts {
  /** The one that is used when the user names none. */
  current?: string;
  contexts: Record<string, Settings>;
}

const EXAMPLE = '{"current": "lab", "contexts": {"lab": {"url": "https://lab.example.org:8443"}}}';

export const contextsPath = (env: NodeJS.ProcessEnv): string => join(configDirectory(env), 'contexts.json');

/**
 * Reads the contexts of the user; none when there is no file.
 * @throws {Failure} when the file is invalid, or other users can read it
 */
export const readContexts = (env: NodeJS.ProcessEnv): Contexts => {
  const path = contextsPath(env);
  const { current, contexts = {}, ...others } = readPrivateObject(path, EXAMPLE) ?? {};
  const isRight = isObject(contexts) && Object.values(contexts).every(isObject);
  if (!isRight || (current !== undefined && typeof current !== 'string') || Object.keys(others).length > 0)
    throw usageFailure(`${path} is not a list of contexts`, `Example: ${EXAMPLE}`);
  const found = Object.entries(contexts as Record<string, Record<string, unknown>>).map(
    ([name, settings]) => [name, settingsIn(`${path}: context ${name}`, settings)] as const,
  );
  return { ...(current === undefined ? {} : { current }), contexts: Object.fromEntries(found) };
};

/** Writes the contexts into a file that only the user can read. */
export const writeContexts = async (env: NodeJS.ProcessEnv, contexts: Contexts): Promise<void> => {
  const path = contextsPath(env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, `${JSON.stringify(contexts, null, 2)}\n`);
};

/** @throws {Failure} when there is no context of that name */
export const requireContext = ({ contexts }: Contexts, name: string): Settings => {
  const found = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (found) return found;
  const names = Object.keys(contexts);
  throw notFoundFailure(
    `no context "${name}"`,
    names.length > 0
      ? `Choose from ${names.join(', ')}.`
      : `To add it: mistify context add ${name} --url URL --token-file FILE`,
  );
};
