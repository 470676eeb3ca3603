import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { errorMessage } from '../errors.js';
import { ACTION_TYPES } from '../model/actions.js';
import { describeAddress, excessOfSocketPath } from '../rpc/protocol/service-address.js';
import type { EventsConfig } from './events.js';
import { parseJson, parseYaml } from './parse.js';
import { type ActionConfig, type ConfigFile, configFileSchema, type ServiceConfig } from './schema.js';
import type { ServerConfig } from './server.js';

export interface Config {
  actions: Map<string, ActionConfig>;
  services: Map<string, ServiceConfig>;
  /** The directory of the state. */
  dbpath: string;
  server: ServerConfig;
  events: EventsConfig;
  /** What is odd about the files, but no reason not to start. */
  warnings: string[];
}

/** All that is wrong with a configuration, a line each that names the file and the key. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const NO_ACTIONS =
  'no actions are configured: what is given with -c takes the place of config/agent.json, so name that one too';

/** Where the state goes when no config file says so: the system's place for root, the user's own else. */
export const defaultDbpath = (): string =>
  process.getuid?.() === 0
    ? '/var/lib/mistify'
    : join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'mistify');

/**
 * Where the sockets of the sub-agents are. Its own directory, for it is closed to everybody else, which those of the
 * guests beside it may not be.
 */
export const servicesDir = (dbpath: string): string => join(dbpath, 'run', 'services');

interface Loading {
  config: Omit<Config, 'dbpath'> & { dbpath?: string };
  problems: string[];
  /** Which file each service, action and dbpath came from. */
  origins: Map<string, string>;
}

const isYaml = (file: string): boolean => /\.ya?ml$/.test(file);

const listFiles = async (path: string): Promise<string[]> => {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json') || isYaml(name));
  return names.sort().map((name) => join(path, name));
};

/** Notes that `file` defines `key`; false, with a problem, when another one did. */
const claim = (loading: Loading, key: string, file: string): boolean => {
  const earlier = loading.origins.get(key);
  if (earlier === undefined) {
    loading.origins.set(key, file);
    return true;
  }
  loading.problems.push(`${file}: ${key}: defined already in ${earlier}`);
  return false;
};

/** Adds a part of the config whose keys may come from several files. */
const addPart = (loading: Loading, file: string, part: 'server' | 'events', content: ConfigFile): void => {
  for (const [key, value] of Object.entries(content[part] ?? {})) {
    if (claim(loading, `${part}.${key}`, file)) Object.assign(loading.config[part], { [key]: value });
  }
};

const addFile = (loading: Loading, file: string, content: ConfigFile): void => {
  const { config, problems } = loading;
  for (const [name, service] of Object.entries(content.services)) {
    if (claim(loading, `services.${name}`, file)) config.services.set(name, service);
  }
  for (const [name, action] of Object.entries(content.actions)) {
    if (!ACTION_TYPES.has(name)) problems.push(`${file}: actions.${name}: there is no such action`);
    else if (claim(loading, `actions.${name}`, file)) config.actions.set(name, action);
  }
  addPart(loading, file, 'server', content);
  addPart(loading, file, 'events', content);
  if (content.dbpath !== undefined && content.dbpath !== config.dbpath && claim(loading, 'dbpath', file)) {
    config.dbpath = content.dbpath;
  }
};

const readConfigFile = async (loading: Loading, file: string): Promise<void> => {
  let content: unknown;
  try {
    const text = await readFile(file, 'utf8');
    const parsed = await (isYaml(file) ? parseYaml(text) : parseJson(text));
    content = parsed.content;
    loading.problems.push(...parsed.duplicates.map((key) => `${file}: ${key}: defined twice in this file`));
  } catch (error) {
    loading.problems.push(`${file}: ${errorMessage(error)}`);
    return;
  }
  const { value, error } = configFileSchema.validate(content, {
    abortEarly: false,
    errors: { wrap: { label: '' } },
  });
  for (const { type, path, message } of error?.details ?? []) {
    if (type === 'object.unknown')
      loading.config.warnings.push(`${file}: ${path.join('.')}: unknown key, ignored`);
    else loading.problems.push(`${file}: ${message}`);
  }
  if (error?.details.every(({ type }) => type === 'object.unknown') ?? true) addFile(loading, file, value);
};

const checkStages = ({ config, problems, origins }: Loading): void => {
  for (const [name, { stages }] of config.actions) {
    for (const [index, { service }] of stages.entries()) {
      if (config.services.has(service)) continue;
      const key = `actions.${name}`;
      problems.push(`${origins.get(key)}: ${key}.stages[${index}].service: there is no service ${service}`);
    }
  }
};

/** Makes the paths of sockets absolute. */
const placeSockets = ({ config, problems, origins }: Loading, dbpath: string): void => {
  for (const [name, service] of config.services) {
    if (!('socket' in service)) continue;
    const socket = resolve(servicesDir(dbpath), service.socket);
    const excess = excessOfSocketPath(socket);
    config.services.set(name, { ...service, socket });
    if (excess === 0) continue;
    const key = `services.${name}`;
    const advice = 'choose a shorter dbpath, or a shorter absolute path for the socket';
    problems.push(
      `${origins.get(key)}: ${key}.socket: ${socket} is ${excess} bytes too long for a unix socket: ${advice}`,
    );
  }
};

/** A secret belongs to an address: its services share it. */
const checkSecrets = ({ config, problems, origins }: Loading): void => {
  const files = new Map<string, string>();
  for (const [name, service] of config.services) {
    if (service.secret_file === undefined) continue;
    const address = describeAddress(service);
    const other = files.get(address) ?? service.secret_file;
    files.set(address, other);
    const key = `services.${name}`;
    if (other !== service.secret_file)
      problems.push(`${origins.get(key)}: ${key}.secret_file: ${address} has another one already, ${other}`);
  }
};

/** So does its program: two of them would fight for the address, each with a state of its own. */
const checkCommands = ({ config, problems, origins }: Loading): void => {
  const starters = new Map<string, string>();
  for (const [name, service] of config.services) {
    if (service.command === undefined) continue;
    const address = describeAddress(service);
    const other = starters.get(address);
    const key = `services.${name}`;
    if (other === undefined) starters.set(address, name);
    else
      problems.push(`${origins.get(key)}: ${key}.command: ${address} has that of services.${other} already`);
  }
};

/**
 * Reads config files, and directories of them, and adds them up.
 * @throws {ConfigError} that has everything that is wrong, not just the first of it
 */
export const loadConfig = async (paths: readonly string[]): Promise<Config> => {
  const loading: Loading = {
    config: { actions: new Map(), services: new Map(), server: {}, events: {}, warnings: [] },
    problems: [],
    origins: new Map(),
  };
  for (const path of paths) {
    try {
      for (const file of await listFiles(path)) await readConfigFile(loading, file);
    } catch (error) {
      loading.problems.push(`${path}: ${errorMessage(error)}`);
    }
  }
  const dbpath = resolve(loading.config.dbpath ?? defaultDbpath());
  if (loading.problems.length === 0) {
    checkStages(loading);
    placeSockets(loading, dbpath);
    checkSecrets(loading);
    checkCommands(loading);
  }
  if (loading.problems.length > 0) throw new ConfigError(loading.problems);
  if (loading.config.actions.size === 0) loading.config.warnings.push(NO_ACTIONS);
  return { ...loading.config, dbpath };
};
