import type { Command } from 'commander';
import type { ContainerOptions } from '../client/container-spec.js';
import { readEnvFiles } from './env-file.js';
import { usageFailure } from './failure.js';
import { addMount } from './mount-option.js';
import { addPair, addPort, addUlimit, collect, parseCount, parseMb } from './option-values.js';

const parseSwap = (text: string): number => (text === '0' ? 0 : parseMb(text));

/** The options of a create that describe a container; `guest create` has them beside its own. */
export const addContainerOptions = (create: Command): Command =>
  create
    .option('--container', 'create a container instead of a virtual machine')
    .option('--command <line>', 'replaces the command of the image: a line, or a JSON array of words')
    .option('--entrypoint <line>', 'replaces the entry point of the image, in the same format')
    .option('--env <name=value>', 'an environment variable; repeatable', addPair)
    // Not --env-file: Node 20 takes that for itself, also behind the name of the program.
    .option(
      '--env-from <path>',
      'a file of environment variables, one NAME=VALUE a line; repeatable',
      collect,
    )
    .option(
      '--secret-env <name=value>',
      'an environment variable that no client may read; repeatable',
      addPair,
    )
    .option('--secret-env-from <path>', 'a file of variables that no client may read; repeatable', collect)
    .option('--user <user>', 'user of the program, by name or number, and perhaps its group: 1000:1000')
    .option('--workdir <path>', 'directory in which the program starts')
    .option('--hostname <name>', 'host name of the container; by default the ID of the guest')
    .option('--label <key=value>', 'a label for the engine and its tools; repeatable', addPair)
    .option('--stop-signal <signal>', 'signal that asks the program to exit')
    .option('--stop-timeout <seconds>', 'seconds that the program gets to exit; 10 by default', parseCount)
    .option('--init', 'run an init process that reaps what the program leaves behind')
    .option(
      '--mount <settings>',
      'type=volume,source=shop-data,target=/data[,readonly]; type=bind for a path of the host, type=tmpfs,target=/cache[,size=64M][,mode=0700] for memory; repeatable',
      addMount,
    )
    .option('--read-only', 'let the container write only to its mounts, /tmp, /run and /var/tmp')
    .option(
      '--keep-image-volumes',
      'keep the volumes for the VOLUME paths of the image when the guest is deleted',
    )
    .option('--cap-add <capability>', 'a Linux capability to add; repeatable', collect)
    .option('--cap-drop <capability>', 'a Linux capability to take away, or ALL; repeatable', collect)
    .option('--pids-limit <number>', 'most processes and threads', parseCount)
    .option(
      '--health-command <line>',
      'a program that exits with 0 while all is well: a line, or a JSON array of words; [] for none',
    )
    .option('--health-interval <seconds>', 'seconds between two checks; 30 by default', parseCount)
    .option('--health-timeout <seconds>', 'seconds after which a check has failed; 30 by default', parseCount)
    .option('--health-retries <number>', 'failures until it is unhealthy; 3 by default', parseCount)
    .option('--health-start-period <seconds>', 'seconds in which failures do not count', parseCount)
    .option('--unlimited-memory', 'set no limit of its memory')
    .option('--swap <size>', 'swap beyond its memory, in MB or with a unit; 0 for none', parseSwap)
    .option('--ulimit <name=soft[:hard]>', 'a limit of setrlimit(2): nofile=1024:4096; repeatable', addUlimit)
    .option(
      '--device <device>',
      'a device of the host, such as /dev/fuse, if the host allows it; repeatable',
      collect,
    )
    .option(
      '--publish <port>',
      'forward a port of the host: 8080:80, 192.0.2.1:53:53/udp; repeatable',
      addPort,
    )
    .option('--alias <name>', 'a name for other containers on its engine network; repeatable', collect)
    .option('--add-host <name=address>', 'a name for its /etc/hosts; repeatable', addPair)
    .option('--dns <address>', 'a name server; repeatable', collect)
    .option('--dns-search <domain>', 'a domain in which it looks for short names; repeatable', collect)
    .option('--new-privileges', 'let programs gain privileges by set-user-ID bits')
    .option('--no-new-privileges', 'let no program gain privileges');

/** What the options of a container say, before their files are read. */
export interface ContainerFlags extends ContainerOptions {
  envFrom?: string[];
  secretEnvFrom?: string[];
}

const NAMES: Record<keyof ContainerFlags, string> = {
  ...{ command: 'command', entrypoint: 'entrypoint', env: 'env', secretEnv: 'secret-env', user: 'user' },
  ...{ workdir: 'workdir', hostname: 'hostname', label: 'label', stopSignal: 'stop-signal' },
  ...{ stopTimeout: 'stop-timeout', init: 'init', capAdd: 'cap-add', capDrop: 'cap-drop' },
  ...{ healthCommand: 'health-command', healthInterval: 'health-interval', healthTimeout: 'health-timeout' },
  ...{ healthRetries: 'health-retries', healthStartPeriod: 'health-start-period' },
  ...{ mount: 'mount', readOnly: 'read-only', keepImageVolumes: 'keep-image-volumes' },
  ...{ pidsLimit: 'pids-limit', newPrivileges: 'new-privileges' },
  ...{ envFrom: 'env-from', secretEnvFrom: 'secret-env-from', unlimitedMemory: 'unlimited-memory' },
  ...{ publish: 'publish', alias: 'alias', addHost: 'add-host', dns: 'dns', dnsSearch: 'dns-search' },
  ...{ swap: 'swap', ulimit: 'ulimit', device: 'device' },
};

/** @throws {Failure} for an option that only containers have, without `--container` */
export const requireContainer = (options: ContainerFlags & { container?: boolean }): void => {
  if (options.container) return;
  const given = (Object.keys(NAMES) as (keyof ContainerFlags)[]).find((key) => options[key] !== undefined);
  if (given !== undefined)
    throw usageFailure(`--${NAMES[given]} describes a container: add --container, or leave it out`);
};

/**
 * Reads the files of environment variables. An option for a variable counts more than a file.
 * @throws {Failure} for a file that cannot be read, or a line that is no variable
 */
export const withEnvFiles = async <Options extends ContainerFlags>(options: Options): Promise<Options> => {
  const { envFrom = [], secretEnvFrom = [] } = options;
  const env = { ...(await readEnvFiles(envFrom)), ...options.env };
  const secretEnv = { ...(await readEnvFiles(secretEnvFrom)), ...options.secretEnv };
  return {
    ...options,
    ...(Object.keys(env).length > 0 ? { env } : {}),
    ...(Object.keys(secretEnv).length > 0 ? { secretEnv } : {}),
  };
};
