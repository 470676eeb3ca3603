import type { Ulimit } from '../model/container/limits.js';
import type { ContainerMount } from '../model/container/mounts.js';
import type { PublishedPort } from '../model/container/network.js';
import type { ContainerSpec } from '../model/container/spec.js';
import { definedIn } from '../portable/defined-in.js';

/** The choices of a person who creates a container. */
export interface ContainerOptions {
  /** A line, which the agent splits as a POSIX shell does. */
  command?: string;
  entrypoint?: string;
  env?: Record<string, string>;
  secretEnv?: Record<string, string>;
  user?: string;
  workdir?: string;
  hostname?: string;
  label?: Record<string, string>;
  stopSignal?: string;
  stopTimeout?: number;
  init?: boolean;
  mount?: ContainerMount[];
  readOnly?: boolean;
  /** Whether the volumes for the `VOLUME` paths of the image outlive the guest. */
  keepImageVolumes?: boolean;
  capAdd?: string[];
  capDrop?: string[];
  pidsLimit?: number;
  healthCommand?: string;
  /** Seconds. */
  healthInterval?: number;
  healthTimeout?: number;
  healthRetries?: number;
  healthStartPeriod?: number;
  unlimitedMemory?: boolean;
  /** MB. */
  swap?: number;
  ulimit?: Record<string, Ulimit>;
  device?: string[];
  publish?: PublishedPort[];
  alias?: string[];
  addHost?: Record<string, string>;
  dns?: string[];
  dnsSearch?: string[];
  /** Whether programs may gain privileges. */
  newPrivileges?: boolean;
}

/** Returns a line as words where it is a JSON array of them: `[]` clears what the image names. */
const wordsOf = (line: string): string[] | string => {
  try {
    const words: unknown = JSON.parse(line);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : line;
  } catch {
    return line;
  }
};

/** The other choices about health mean nothing without a command; the agent says so. */
const healthOf = (options: ContainerOptions): ContainerSpec['health'] => {
  const { healthCommand: command, healthInterval: interval, healthTimeout: timeout } = options;
  const { healthRetries: retries, healthStartPeriod: startPeriod } = options;
  const words = command === undefined ? undefined : wordsOf(command);
  const chosen = definedIn({ command: words, interval, timeout, retries, startPeriod });
  return Object.keys(chosen).length > 0 ? (chosen as ContainerSpec['health']) : undefined;
};

/** The choices that a container has under the same name. */
const SAME = [
  ...(['env', 'secretEnv', 'user', 'hostname', 'stopSignal', 'stopTimeout', 'init'] as const),
  ...(['capAdd', 'capDrop', 'pidsLimit', 'unlimitedMemory', 'swap', 'readOnly'] as const),
  ...(['dns', 'dnsSearch'] as const),
] as const satisfies readonly (keyof ContainerOptions & keyof ContainerSpec)[];

/** Builds the key `container` of a create; nothing where no choice needs it. */
export const containerSpec = (options: ContainerOptions): { container?: ContainerSpec } => {
  const { command, entrypoint, workdir, label, ulimit, device, newPrivileges } = options;
  const { publish, alias, addHost } = options;
  const chosen = definedIn<ContainerSpec>({
    ...Object.fromEntries(SAME.map((key) => [key, options[key]])),
    command: command === undefined ? undefined : wordsOf(command),
    entrypoint: entrypoint === undefined ? undefined : wordsOf(entrypoint),
    ...{ workingDir: workdir, labels: label, ulimits: ulimit, devices: device, health: healthOf(options) },
    ...{ mounts: options.mount, imageVolumes: options.keepImageVolumes ? 'keep' : undefined },
    ...{ ports: publish, aliases: alias, extraHosts: addHost },
    noNewPrivileges: newPrivileges === undefined ? undefined : !newPrivileges,
  });
  return Object.keys(chosen).length > 0 ? { container: chosen } : {};
};
