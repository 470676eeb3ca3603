import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ClientOptions } from '../client/index.js';
import { errorMessage } from '../errors.js';
import { usageFailure } from './failure.js';

export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** Connection settings from one source: options, the environment, or the config file. */
export interface Settings {
  url?: string | undefined;
  socket?: string | undefined;
  token?: string | undefined;
  tokenFile?: string | undefined;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

const KEYS = ['url', 'socket', 'token', 'tokenFile', 'ca', 'cert', 'key'] as const;

const variableOf = (key: string): string => `MISTIFY_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`;

const fromEnvironment = (env: NodeJS.ProcessEnv): Settings =>
  Object.fromEntries(KEYS.map((key) => [key, env[variableOf(key)] || undefined]));

export const configPath = (env: NodeJS.ProcessEnv): string =>
  join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'mistify', 'cli.json');

const parseObject = (path: string, text: string): object => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {}
  throw usageFailure(`${path} is not a JSON object`, 'Example: {"url": "http://127.0.0.1:8080"}');
};

const requireKnown = (path: string, settings: object): void => {
  for (const [key, value] of Object.entries(settings)) {
    if (!KEYS.some((known) => known === key))
      throw usageFailure(`${path}: unknown key "${key}"`, `The keys are ${KEYS.join(', ')}.`);
    if (typeof value !== 'string') throw usageFailure(`${path}: "${key}" must be a string`);
  }
};

/**
 * Reads the config file, if it exists.
 * @throws {Failure} when other users can read the file, because it may hold a token
 */
const fromFile = (path: string): Settings => {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return {};
  if (stats.mode & 0o077)
    throw usageFailure(
      `${path}: other users can read this file, which may hold a token`,
      `Run: chmod 600 ${path}`,
    );
  const settings = parseObject(path, readFileSync(path, 'utf8'));
  requireKnown(path, settings);
  return settings;
};

const readToken = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw usageFailure(`cannot read the token: ${errorMessage(error)}`);
  }
};

/** Returns the setting from the first source that has it. */
const first = <T>(sources: readonly Settings[], find: (source: Settings) => T | undefined): T | undefined =>
  sources.map(find).find((value) => value !== undefined);

/** An address that the user gave, and its source. */
export interface GivenAddress {
  /** A URL, or `unix:` and the path of a socket. */
  address: string;
  /** Such as `--url`. */
  source: string;
}

const addressIn = ({ socket, url }: Settings, names: { url: string; socket: string }) => {
  if (socket) return { address: `unix:${socket}`, source: names.socket };
  return url ? { address: url, source: names.url } : undefined;
};

/** Finds the agent's address in the options, or else in the environment or the config file. */
export const givenAddress = (
  options: Settings,
  env: NodeJS.ProcessEnv,
): { inOptions?: GivenAddress | undefined; elsewhere?: GivenAddress | undefined } => {
  const path = configPath(env);
  return {
    inOptions: addressIn(options, { url: '--url', socket: '--socket' }),
    elsewhere:
      addressIn(fromEnvironment(env), { url: 'MISTIFY_URL', socket: 'MISTIFY_SOCKET' }) ??
      addressIn(fromFile(path), { url: `"url" in ${path}`, socket: `"socket" in ${path}` }),
  };
};

/**
 * Merges the connection settings. Options override the environment, which overrides the config file.
 * @throws {Failure} when a file cannot be read or is invalid
 */
export const connectionSettings = (options: Settings, env: NodeJS.ProcessEnv): ClientOptions => {
  const sources = [options, fromEnvironment(env), fromFile(configPath(env))];
  const url = first(sources, ({ socket, url }) => (socket ? `unix:${socket}` : url)) ?? DEFAULT_URL;
  const token = first(sources, ({ token, tokenFile }) => token ?? (tokenFile && readToken(tokenFile)));
  return {
    url,
    token,
    caFile: first(sources, ({ ca }) => ca),
    certFile: first(sources, ({ cert }) => cert),
    keyFile: first(sources, ({ key }) => key),
  };
};
