import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { usageFailure } from './failure.js';

/** Connection settings from one source: options, the environment, or a file. */
export interface Settings {
  url?: string | undefined;
  socket?: string | undefined;
  token?: string | undefined;
  tokenFile?: string | undefined;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

export const SETTING_KEYS = ['url', 'socket', 'token', 'tokenFile', 'ca', 'cert', 'key'] as const;

/** The directory of the user's files: https://specifications.freedesktop.org/basedir-spec/latest/ */
export const configDirectory = (env: NodeJS.ProcessEnv): string =>
  join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'mistify');

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parseObject = (path: string, example: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isObject(value)) return value;
  } catch {}
  throw usageFailure(`${path} is not a JSON object`, `Example: ${example}`);
};

/**
 * Reads a JSON object; `undefined` when the file does not exist.
 * @throws {Failure} when other users can read the file, because it may hold a token
 */
export const readPrivateObject = (path: string, example: string): Record<string, unknown> | undefined => {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (stats.mode & 0o077)
    throw usageFailure(
      `${path}: other users can read this file, which may hold a token`,
      `Run: chmod 600 ${path}`,
    );
  return parseObject(path, example);
};

/**
 * Returns the connection settings in a file.
 * @param where the file, or the part of it that has them
 * @throws {Failure} for an unknown key, or a value that is no text
 */
export const settingsIn = (where: string, found: Record<string, unknown>): Settings => {
  for (const [key, value] of Object.entries(found)) {
    if (!SETTING_KEYS.some((known) => known === key))
      throw usageFailure(`${where}: unknown key "${key}"`, `The keys are ${SETTING_KEYS.join(', ')}.`);
    if (typeof value !== 'string') throw usageFailure(`${where}: "${key}" must be a string`);
  }
  return found as Settings;
};
