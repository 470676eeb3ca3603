import type { Autostart, Restart } from '../model/coming-back.js';
import type { Ulimit } from '../model/container/limits.js';
import type { ContainerMount } from '../model/container/mounts.js';
import { publishedPortText } from '../portable/published-port.js';
import { sizeText } from '../portable/size.js';
import type { CreateOptions, GuestSpec } from './guest-spec.js';

type Words = readonly string[];
type Writer<Value> = (value: Value) => Words;
type Nic = NonNullable<GuestSpec['nics']>[number];

const one =
  <Value extends string | number>(option: string): Writer<Value> =>
  (value) => [option, String(value)];

const size =
  (option: string): Writer<number> =>
  (mb) => [option, sizeText(mb)];

/** An option without a value. */
const flag =
  (option: string): Writer<boolean> =>
  (isOn) =>
    isOn ? [option] : [];

const each =
  <Value>(option: string, write: (value: Value) => string): Writer<readonly Value[]> =>
  (values) =>
    values.flatMap((value) => [option, write(value)]);

const texts = (option: string): Writer<readonly string[]> => each(option, String);

const pairs = (option: string): Writer<Readonly<Record<string, string>>> => {
  const write = each<[string, string]>(option, ([key, value]) => `${key}=${value}`);
  return (entries) => write(Object.entries(entries));
};

const settings = (first: string, others: Readonly<Record<string, string | number | undefined>>): string =>
  [
    first,
    ...Object.entries(others).flatMap(([key, value]) =>
      value === undefined || value === '' ? [] : [`${key}=${value}`],
    ),
  ].join(',');

/** A virtio card is what the command line gives a NIC that names none. */
const nicText = ({ network = '', model, mac, name, address, netmask, gateway, vlans = [] }: Nic): string =>
  [
    settings(network, {
      ...{ model: model === 'virtio' ? undefined : model, mac, name, address, netmask, gateway },
    }),
    ...vlans.map((vlan) => `vlan=${vlan}`),
  ].join(',');

const mountText = (mount: ContainerMount): string => {
  if (mount.type === 'tmpfs')
    return settings(`type=${mount.type}`, {
      target: mount.target,
      size: mount.size === undefined ? undefined : sizeText(mount.size),
      mode: mount.mode,
    });
  const { type, source, target, readOnly } = mount;
  return `${settings(`type=${type}`, { source, target })}${readOnly ? ',readonly' : ''}`;
};

const ulimitText = ([name, limit]: [string, Ulimit]): string =>
  typeof limit === 'number' ? `${name}=${limit}` : `${name}=${limit.soft}:${limit.hard}`;

const autostartText = ({ policy, order, delay, shutdownTimeout, hostDown }: Autostart): string =>
  settings(policy, { order, delay, 'shutdown-timeout': shutdownTimeout, 'host-down': hostDown });

const restartText = ({ policy, maxRetries, window }: Restart): string =>
  settings(policy, { retries: maxRetries, window });

/** How the command line says each choice, in the order in which a person would. */
const WRITERS: { [Key in keyof CreateOptions]-?: Writer<NonNullable<CreateOptions[Key]>> } = {
  container: flag('--container'),
  image: one('--image'),
  name: one('--name'),
  memory: size('--memory'),
  cpu: one('--cpu'),
  maxMemory: size('--max-memory'),
  maxCpu: one('--max-cpu'),
  disk: each('--disk', sizeText),
  cdrom: texts('--cdrom'),
  nic: each('--nic', nicText),
  firmware: one('--firmware'),
  secureBoot: flag('--secure-boot'),
  tpm: flag('--tpm'),
  networkBoot: flag('--network-boot'),
  cpuModel: one('--cpu-model'),
  video: one('--video'),
  watchdog: one('--watchdog'),
  tablet: (isOn) => (isOn ? [] : ['--no-tablet']),
  command: one('--command'),
  entrypoint: one('--entrypoint'),
  user: one('--user'),
  workdir: one('--workdir'),
  env: pairs('--env'),
  secretEnv: pairs('--secret-env'),
  publish: each('--publish', publishedPortText),
  mount: each('--mount', mountText),
  readOnly: flag('--read-only'),
  keepImageVolumes: flag('--keep-image-volumes'),
  hostname: one('--hostname'),
  label: pairs('--label'),
  stopSignal: one('--stop-signal'),
  stopTimeout: one('--stop-timeout'),
  init: flag('--init'),
  capAdd: texts('--cap-add'),
  capDrop: texts('--cap-drop'),
  pidsLimit: one('--pids-limit'),
  healthCommand: one('--health-command'),
  healthInterval: one('--health-interval'),
  healthTimeout: one('--health-timeout'),
  healthRetries: one('--health-retries'),
  healthStartPeriod: one('--health-start-period'),
  unlimitedMemory: flag('--unlimited-memory'),
  swap: size('--swap'),
  ulimit: (limits) => each('--ulimit', ulimitText)(Object.entries(limits)),
  device: texts('--device'),
  alias: texts('--alias'),
  addHost: pairs('--add-host'),
  dns: texts('--dns'),
  dnsSearch: texts('--dns-search'),
  newPrivileges: (isOn) => [isOn ? '--new-privileges' : '--no-new-privileges'],
  autostart: (policy) => ['--autostart', autostartText(policy)],
  restart: (policy) => ['--restart', restartText(policy)],
  description: one('--description'),
  tag: texts('--tag'),
  metadata: pairs('--metadata'),
  id: one('--id'),
  start: (isOn) => (isOn ? [] : ['--no-start']),
};

const wordsOf = <Key extends keyof CreateOptions>(options: CreateOptions, key: Key): Words => {
  const value = options[key];
  const write = WRITERS[key] as Writer<typeof value>;
  return value === undefined ? [] : write(value);
};

/** Returns the words of a command that creates the guest that a person has chosen. */
export const createWords = (options: CreateOptions): string[] => [
  ...['mistify', 'guest', 'create'],
  ...(Object.keys(WRITERS) as (keyof CreateOptions)[]).flatMap((key) => wordsOf(options, key)),
];

/** A word that means the same to a shell with and without quotes. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** Quotes a word for a POSIX shell, where it needs that. */
export const quoted = (word: string): string =>
  PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** Returns the line for a shell that creates the guest. */
export const createLine = (options: CreateOptions): string => createWords(options).map(quoted).join(' ');

/**
 * Returns the line for a shell that sends the request of a create with curl.
 * @param origin of the agent
 * @param hasToken whether the agent wants a token, which the shell has in `MISTIFY_TOKEN`
 */
export const createCurl = (
  spec: GuestSpec,
  { origin, start, hasToken }: { origin: string; start: boolean; hasToken: boolean },
): string =>
  [
    'curl',
    quoted(`${origin}/guests${start ? '' : '?start=false'}`),
    ...(hasToken ? ['-H "Authorization: Bearer $MISTIFY_TOKEN"'] : []),
    `-d ${quoted(JSON.stringify(spec))}`,
  ].join(' ');
