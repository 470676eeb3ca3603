import type { ContainerMount } from '../model/container/mounts.js';
import type { PublishedPort } from '../model/container/network.js';
import type { ContainerSpec } from '../model/container/spec.js';
import { formatMb } from '../portable/format.js';

const PLAIN = /^[\w@%+=:,./-]+$/;

const word = (text: string): string => (PLAIN.test(text) ? text : JSON.stringify(text));

const words = (command: string | readonly string[]): string => {
  if (typeof command === 'string') return command;
  return command.length === 0 ? 'none' : command.map(word).join(' ');
};

/** Says what a host forwards: `192.0.2.1:53->53/udp`. */
export const portWords = ({ hostAddress, hostPort, port, protocol = 'tcp' }: PublishedPort): string => {
  const address = hostAddress?.includes(':') ? `[${hostAddress}]` : hostAddress;
  return `${address === undefined ? '' : `${address}:`}${hostPort}->${port}/${protocol}`;
};

const mountWords = (mount: ContainerMount): string => {
  const { type, target } = mount;
  if (type !== 'tmpfs') {
    const what = type === 'bind' ? 'path' : 'volume';
    return `${what} ${word(mount.source)} at ${word(target)}${mount.readOnly ? ', read-only' : ''}`;
  }
  const size = mount.size === undefined ? '' : `, at most ${formatMb(mount.size)}`;
  return `memory at ${word(target)}${size}${mount.mode === undefined ? '' : `, mode ${mount.mode}`}`;
};

const healthWords = ({
  command,
  interval,
  timeout,
  retries,
  startPeriod,
}: NonNullable<ContainerSpec['health']>): string =>
  [
    words(command),
    ...(interval === undefined ? [] : [`every ${interval} s`]),
    ...(timeout === undefined ? [] : [`timeout ${timeout} s`]),
    ...(retries === undefined ? [] : [`${retries} retries`]),
    ...(startPeriod === undefined ? [] : [`after a start period of ${startPeriod} s`]),
  ].join(', ');

type Limits = NonNullable<ContainerSpec['ulimits']>;

const limitWords = ([name, limit]: [string, Limits[keyof Limits]]): string =>
  typeof limit === 'object' ? `${name}=${limit.soft}:${limit.hard}` : `${name}=${limit}`;

const pairs = (of: Readonly<Record<string, string>>): string[] =>
  Object.entries(of).map(([name, value]) => `${name}=${value}`);

/** How each key is shown that has more than a word: the name of its lines, and a text for each of them. */
const LINES: {
  [Key in keyof ContainerSpec]?: [string, (value: NonNullable<ContainerSpec[Key]>) => string[]];
} = {
  command: ['command', (command) => [words(command)]],
  entrypoint: ['entrypoint', (entrypoint) => [words(entrypoint)]],
  ports: ['port', (ports) => ports.map(portWords)],
  mounts: ['mount', (mounts) => mounts.map(mountWords)],
  imageMounts: [
    'image volume',
    (mounts) => mounts.map(({ target, volume }) => `${volume} at ${word(target)}`),
  ],
  env: ['env', pairs],
  secretEnv: ['secretEnv', pairs],
  labels: ['label', pairs],
  extraHosts: ['host', (hosts) => Object.entries(hosts).map(([name, address]) => `${name} is ${address}`)],
  ulimits: ['ulimit', (limits) => Object.entries(limits).map(limitWords)],
  health: ['health check', (health) => [healthWords(health)]],
};

/** Describes what only a container has, a line for each thing. */
export const containerLines = (spec: ContainerSpec): string[] =>
  Object.entries(spec).flatMap(([key, value]) => {
    if (value === null || value === undefined) return [];
    const [name, format] = (LINES[key as keyof ContainerSpec] ?? []) as [
      string?,
      ((value: unknown) => string[])?,
    ];
    if (name !== undefined && format) return format(value).map((text) => `${name}: ${text}`);
    return [Array.isArray(value) ? `${key}: ${value.join(', ')}` : `${key}: ${String(value)}`];
  });
