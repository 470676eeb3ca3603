import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientOptions } from '../client/index.js';
import { errorMessage } from '../errors.js';
import { readContexts, requireContext } from './contexts.js';
import { usageFailure } from './failure.js';
import {
  configDirectory,
  readPrivateObject,
  SETTING_KEYS,
  type Settings,
  settingsIn,
} from './settings-file.js';

export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** What the options of the command line say of the agent. */
export interface AgentOptions extends Settings {
  /** The name of a context. */
  context?: string | undefined;
}

const variableOf = (key: string): string => `MISTIFY_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`;

const fromEnvironment = (env: NodeJS.ProcessEnv): Settings =>
  Object.fromEntries(SETTING_KEYS.map((key) => [key, env[variableOf(key)] || undefined]));

const configPath = (env: NodeJS.ProcessEnv): string => join(configDirectory(env), 'cli.json');

const fromFile = (path: string): Settings =>
  settingsIn(path, readPrivateObject(path, '{"url": "http://127.0.0.1:8080"}') ?? {});

const readToken = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw usageFailure(`cannot read the token: ${errorMessage(error)}`);
  }
};

/** Settings, and how to call where their address is. */
interface Source {
  settings: Settings;
  url: string;
  socket: string;
}

const hasAddress = ({ url, socket }: Settings): boolean => Boolean(url || socket);

const contextSource = (env: NodeJS.ProcessEnv, name: string): Source => {
  const source = `context ${name}`;
  return { settings: requireContext(readContexts(env), name), url: source, socket: source };
};

/**
 * Lists where settings come from, the first counting most. A context is an agent with credentials of its own: one that
 * an option names stands alone, and none is used for an agent whose address the options or the environment have.
 */
const sourcesOf = ({ context, ...options }: AgentOptions, env: NodeJS.ProcessEnv): readonly Source[] => {
  const given: Source = { settings: options, url: '--url', socket: '--socket' };
  if (context !== undefined) return [given, contextSource(env, context)];
  const settings = fromEnvironment(env);
  const environment: Source = { settings, url: 'MISTIFY_URL', socket: 'MISTIFY_SOCKET' };
  const name =
    hasAddress(options) || hasAddress(settings)
      ? undefined
      : env.MISTIFY_CONTEXT || readContexts(env).current;
  if (name !== undefined) return [given, environment, contextSource(env, name)];
  const path = configPath(env);
  const file = { settings: fromFile(path), url: `"url" in ${path}`, socket: `"socket" in ${path}` };
  return [given, environment, file];
};

/** An address that the user gave, and its source. */
export interface GivenAddress {
  /** A URL, or `unix:` and the path of a socket. */
  address: string;
  /** Such as `--url`. */
  source: string;
}

const addressIn = ({ settings: { socket, url }, ...names }: Source): GivenAddress | undefined => {
  if (socket) return { address: `unix:${socket}`, source: names.socket };
  return url ? { address: url, source: names.url } : undefined;
};

/** Finds the agent's address in the options, or else in the environment, a context or the config file. */
export const givenAddress = (
  options: AgentOptions,
  env: NodeJS.ProcessEnv,
): { inOptions?: GivenAddress | undefined; elsewhere?: GivenAddress | undefined } => {
  const [first, ...others] = sourcesOf(options, env).map(addressIn);
  const [named] = others;
  if (options.context !== undefined) return { inOptions: first ?? named };
  return { inOptions: first, elsewhere: others.find((address) => address !== undefined) };
};

/**
 * Merges the connection settings. Options override the environment, which overrides the current context or the config
 * file.
 * @throws {Failure} when a file cannot be read or is invalid, or there is no such context
 */
export const connectionSettings = (options: AgentOptions, env: NodeJS.ProcessEnv): ClientOptions => {
  const sources = sourcesOf(options, env).map(({ settings }) => settings);
  /** Returns the setting from the first source that has it. */
  const first = <T>(find: (settings: Settings) => T | undefined): T | undefined =>
    sources.map(find).find((value) => value !== undefined);
  return {
    url: first(({ socket, url }) => (socket ? `unix:${socket}` : url)) ?? DEFAULT_URL,
    token: first(({ token, tokenFile }) => token ?? (tokenFile && readToken(tokenFile))),
    caFile: first(({ ca }) => ca),
    certFile: first(({ cert }) => cert),
    keyFile: first(({ key }) => key),
  };
};
