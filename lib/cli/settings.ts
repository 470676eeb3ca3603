import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ClientOptions } from '../client/index.js';
import { errorMessage } from '../errors.js';
import { usageFailure } from './failure.js';

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** How the agent is reached, as one place says it: options, the environment, or the config file. */
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

const parsed = (path: string, text: string): object => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {}
  throw usageFailure(`${path}: it is not a JSON object`, 'Such as: {"url": "http://127.0.0.1:8080"}');
};

const requireKnown = (path: string, settings: object): void => {
  for (const [key, value] of Object.entries(settings)) {
    if (!KEYS.some((known) => known === key))
      throw usageFailure(`${path}: there is no key "${key}"`, `The keys are ${KEYS.join(', ')}.`);
    if (typeof value !== 'string') throw usageFailure(`${path}: "${key}" must be a string`);
  }
};

/** @throws {Failure} when others may read it: it may hold a token */
const fromFile = (path: string): Settings => {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return {};
  if (stats.mode & 0o077)
    throw usageFailure(`${path}: others may read it, and it may hold a token`, `Type: chmod 600 ${path}`);
  const settings = parsed(path, readFileSync(path, 'utf8'));
  requireKnown(path, settings);
  return settings;
};

const readToken = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw usageFailure(`the token cannot be read: ${errorMessage(error)}`);
  }
};

/** The first of the places that says anything of it. */
const first = <T>(places: readonly Settings[], find: (place: Settings) => T | undefined): T | undefined =>
  places.map(find).find((value) => value !== undefined);

/**
 * How to reach the agent: options come before the environment, that before the config file.
 * @throws {Failure} when something of it cannot be read or makes no sense
 */
export const connectionSettings = (options: Settings, env: NodeJS.ProcessEnv): ClientOptions => {
  const places = [options, fromEnvironment(env), fromFile(configPath(env))];
  const url = first(places, ({ socket, url }) => (socket ? `unix:${socket}` : url)) ?? DEFAULT_URL;
  const token = first(places, ({ token, tokenFile }) => token ?? (tokenFile && readToken(tokenFile)));
  return {
    url,
    token,
    caFile: first(places, ({ ca }) => ca),
    certFile: first(places, ({ cert }) => cert),
    keyFile: first(places, ({ key }) => key),
  };
};
