import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { errorMessage, isErrno } from '../errors.js';
import { packageRoot } from '../files/package-root.js';
import { checkConfig } from './check.js';
import { addLayers, type Draft, type Layer } from './layers.js';
import { missingPrograms } from './programs.js';
import { ConfigReader, isYaml } from './read.js';

/** The config of an agent that is started without `-c`. */
export const DEFAULT_CONFIG = join(packageRoot, 'config', 'agent.json');

/** The config of `npm start`: the demo serves its image from loopback. */
export const DEMO_CONFIG = join(packageRoot, 'config', 'demo.json');

export interface Config extends Draft {
  /** The directory of the state. */
  dbpath: string;
  /** Warnings about the files, one a line. The agent starts nevertheless. */
  warnings: string[];
}

/** All problems of a configuration, one a line, each with its file and key. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const NO_ACTIONS =
  'no actions are configured: files given with -c replace config/agent.json; extend it, or give it with -c too';

/** The directory of the state unless a config file names one: the system's for root, else the user's own. */
export const defaultDbpath = (): string =>
  process.getuid?.() === 0
    ? '/var/lib/mistify'
    : join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'mistify');

/**
 * The directory of the sub-agents' sockets. It is closed to other users. The guests' directories beside it are not:
 * each guest's user must reach its own.
 */
export const servicesDir = (dbpath: string): string => join(dbpath, 'run', 'services');

const listFiles = async (path: string): Promise<string[]> => {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json') || isYaml(name));
  return names.sort().map((name) => join(path, name));
};

/** Reads the files and directories that the user named. */
const readAll = async (reader: ConfigReader, paths: readonly string[]): Promise<Layer[]> => {
  const layers: Layer[] = [];
  const given = new Set<string>();
  for (const path of paths) {
    try {
      for (const file of await listFiles(path)) {
        if (given.has(resolve(file))) reader.problems.push(`${file}: given twice`);
        given.add(resolve(file));
        layers.push(await reader.read(file));
      }
    } catch (error) {
      reader.problems.push(`${path}: ${isErrno(error, 'ENOENT') ? 'does not exist' : errorMessage(error)}`);
    }
  }
  return layers;
};

/** Makes the paths of sockets absolute. */
const placeSockets = ({ services }: Draft, dbpath: string): void => {
  for (const [name, service] of services) {
    if ('socket' in service)
      services.set(name, { ...service, socket: resolve(servicesDir(dbpath), service.socket) });
  }
};

/**
 * Loads and merges config files and directories of config files.
 * @throws {ConfigError} with all problems, not just the first
 */
export const loadConfig = async (paths: readonly string[]): Promise<Config> => {
  const reader = new ConfigReader();
  const { problems, warnings } = reader;
  const definitions = addLayers(await readAll(reader, paths), reader.onConflict);
  if (problems.length > 0) throw new ConfigError(problems);
  const draft: Draft = {
    actions: new Map(),
    services: new Map(),
    server: {},
    events: {},
    guests: {},
    privateAddresses: [],
    quota: {},
    schedules: {},
    catalogue: { sources: new Map() },
    fleet: {},
  };
  for (const { apply } of definitions.values()) apply(draft);
  const dbpath = resolve(draft.dbpath ?? defaultDbpath());
  placeSockets(draft, dbpath);
  const fileOf = (key: string): string | undefined => definitions.get(key)?.file;
  problems.push(...checkConfig(draft, fileOf));
  for (const { key, problem } of await missingPrograms(draft.services))
    problems.push(`${fileOf(key)}: ${problem}`);
  if (problems.length > 0) throw new ConfigError(problems);
  if (draft.actions.size === 0) warnings.push(NO_ACTIONS);
  return { ...draft, dbpath, warnings };
};
