import { resolve } from 'node:path';
import type { GuestSpec } from '../../client/index.js';
import type { ContainerSpec } from '../../model/container/spec.js';
import { readEnvFiles } from '../env-file.js';
import { readHealth } from './health.js';
import { type MountContext, readMount, readTmpfs } from './mounts.js';
import {
  type NetworkContext,
  readDns,
  readDnsSearch,
  readExtraHosts,
  readNetworkMode,
  readNetworks,
  readPorts,
} from './network.js';
import type { Mistakes, PodService, Value } from './pod.js';
import {
  fieldsOf,
  flagOf,
  isFields,
  listOf,
  megabytesOf,
  numberOf,
  pairsOf,
  requireNoOthers,
  secondsOf,
  someOf,
  textOf,
  textsOf,
  WrongValue,
  wordsOf,
} from './values.js';

/** What the services of a file refer to. */
export interface ServiceContext extends MountContext, NetworkContext {
  env: NodeJS.ProcessEnv;
  /** The name of the service. */
  service: string;
}

/** What one key of a service comes to. */
interface Part {
  guest?: GuestSpec;
  container?: ContainerSpec;
  needs?: PodService['needs'];
}

type Reader = (value: unknown, context: ServiceContext) => Part | Promise<Part>;

const RESTARTS: Readonly<Record<string, GuestSpec>> = {
  no: {},
  always: { restart: { policy: 'always' }, autostart: { policy: 'always' } },
  'unless-stopped': { restart: { policy: 'always' }, autostart: { policy: 'last' } },
  'on-failure': { restart: { policy: 'on-failure' } },
};

const restartOf = (value: unknown): GuestSpec => {
  const [policy = '', retries] = textOf(value).split(':');
  const guest = Object.hasOwn(RESTARTS, policy) ? RESTARTS[policy] : undefined;
  if (!guest) throw new WrongValue(`choose from ${Object.keys(RESTARTS).join(', ')}`);
  if (retries === undefined) return guest;
  if (policy !== 'on-failure') throw new WrongValue(`a number is for on-failure, not for ${policy}`);
  return { restart: { policy: 'on-failure', maxRetries: numberOf(retries) } };
};

const CONDITIONS: Readonly<Record<string, boolean>> = { service_started: false, service_healthy: true };

const needsOf = (value: unknown): PodService['needs'] => {
  if (Array.isArray(value)) return textsOf(value).map((service) => ({ service, healthy: false }));
  return Object.entries(fieldsOf(value)).map(([service, given]) => {
    const { condition = 'service_started', ...others } = fieldsOf(given);
    const healthy = CONDITIONS[textOf(condition)];
    requireNoOthers(others);
    if (healthy === undefined) throw new WrongValue(`the condition ${textOf(condition)} is not supported`);
    return { service, healthy };
  });
};

const envFiles = (value: unknown, { dir }: ServiceContext): Promise<Record<string, string>> => {
  if (isFields(value)) throw new WrongValue('give a path, or a list of paths');
  return readEnvFiles(someOf(value).map((path) => resolve(dir, textOf(path))));
};

const ulimitsOf = (value: unknown): ContainerSpec => ({
  ulimits: Object.fromEntries(
    Object.entries(fieldsOf(value)).map(([name, limit]) => {
      if (!isFields(limit)) return [name, numberOf(limit)];
      return [name, { soft: numberOf(limit.soft), hard: numberOf(limit.hard) }];
    }),
  ),
});

/** How each key of a service is read; no other key is supported. */
const READERS: Readonly<Record<string, Reader>> = {
  image: (value) => ({ guest: { image: textOf(value) } }),
  container_name: (value) => ({ guest: { metadata: { name: textOf(value) } } }),
  mem_limit: (value) => ({ guest: { memory: megabytesOf(value) } }),
  cpus: (value) => ({ guest: { cpu: numberOf(value) } }),
  restart: (value) => ({ guest: restartOf(value) }),
  networks: (value, context) => readNetworks(context.service, value, context),
  network_mode: (value) => ({ guest: readNetworkMode(value) }),
  ports: (value) => ({ container: readPorts(value) }),
  extra_hosts: (value) => ({ container: readExtraHosts(value) }),
  dns: (value) => ({ container: readDns(value) }),
  dns_search: (value) => ({ container: readDnsSearch(value) }),
  depends_on: (value) => ({ needs: needsOf(value) }),
  command: (value) => (value === null ? {} : { container: { command: wordsOf(value) } }),
  entrypoint: (value) => (value === null ? {} : { container: { entrypoint: wordsOf(value) } }),
  environment: (value, { env }) => ({ container: { env: pairsOf(value, env) } }),
  env_file: async (value, context) => ({ container: { secretEnv: await envFiles(value, context) } }),
  volumes: (value, context) => ({
    container: { mounts: listOf(value).map((mount) => readMount(mount, context)) },
  }),
  tmpfs: (value) => ({ container: { mounts: someOf(value).map(readTmpfs) } }),
  healthcheck: (value) => ({ container: readHealth(value) }),
  labels: (value) => ({ container: { labels: pairsOf(value) } }),
  user: (value) => ({ container: { user: textOf(value) } }),
  working_dir: (value) => ({ container: { workingDir: textOf(value) } }),
  hostname: (value) => ({ container: { hostname: textOf(value) } }),
  init: (value) => ({ container: { init: flagOf(value) } }),
  read_only: (value) => ({ container: { readOnly: flagOf(value) } }),
  stop_signal: (value) => ({ container: { stopSignal: textOf(value) } }),
  stop_grace_period: (value) => ({ container: { stopTimeout: secondsOf(value) } }),
  cap_add: (value) => ({ container: { capAdd: textsOf(value) } }),
  cap_drop: (value) => ({ container: { capDrop: textsOf(value) } }),
  pids_limit: (value) => ({ container: { pidsLimit: numberOf(value) } }),
  ulimits: (value) => ({ container: ulimitsOf(value) }),
};

const readKey = async (
  { at, value }: Value,
  key: string,
  context: ServiceContext,
  mistakes: Mistakes,
): Promise<Part> => {
  if (key.startsWith('x-')) return {};
  const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
  if (!read) {
    mistakes.add(at, 'not supported');
    return {};
  }
  try {
    return await read(value, context);
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    mistakes.add(at, error.message);
    return {};
  }
};

/** A variable that a file and the pod file have counts as in the pod file. */
const withoutTwice = ({ env = {}, secretEnv, ...spec }: ContainerSpec): ContainerSpec => {
  const secret = Object.entries(secretEnv ?? {}).filter(([name]) => !Object.hasOwn(env, name));
  return {
    ...spec,
    ...(Object.keys(env).length > 0 ? { env } : {}),
    ...(secret.length > 0 ? { secretEnv: Object.fromEntries(secret) } : {}),
  };
};

/** Reads a service: a container on the engine's default network, unless it says otherwise. */
export const readService = async (
  name: string,
  { at, value }: Value,
  shared: Omit<ServiceContext, 'service'>,
  mistakes: Mistakes,
): Promise<PodService> => {
  const context = { ...shared, service: name };
  if (!isFields(value)) {
    mistakes.add(at, 'give keys with values');
    return { name, spec: {}, needs: [] };
  }
  if (value.image === undefined)
    mistakes.add(
      at,
      value.build === undefined ? 'it has no image' : 'it has no image, and the agent builds none',
    );
  if (value.networks !== undefined && value.network_mode !== undefined)
    mistakes.add(`${at}.network_mode`, 'leave it out beside networks');
  const parts: Part[] = [];
  for (const [key, given] of Object.entries(value))
    parts.push(await readKey({ at: `${at}.${key}`, value: given }, key, context, mistakes));
  const guest = Object.assign({}, ...parts.map((part) => part.guest)) as GuestSpec;
  const container = Object.assign({}, ...parts.map((part) => part.container)) as ContainerSpec;
  const mounts = parts.flatMap((part) => part.container?.mounts ?? []);
  const spec: GuestSpec = {
    type: 'container',
    nics: [{ network: 'user' }],
    ...guest,
    // As with Compose, only a removal of the volumes that was asked for removes these.
    container: { ...withoutTwice(container), ...(mounts.length > 0 ? { mounts } : {}), imageVolumes: 'keep' },
  };
  return { name, spec, needs: parts.flatMap((part) => part.needs ?? []) };
};
