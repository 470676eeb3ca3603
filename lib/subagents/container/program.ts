import { resolve } from 'node:path';
import { Option } from 'commander';
import { hostDirOption } from '../shared/host/option.js';
import { privateAddressOption } from '../shared/private-addresses.js';
import type { SubAgentProgram } from '../shared/run.js';
import { capabilityArgument, DEFAULT_POLICY, pidsLimitArgument } from './policy.js';
import { type ContainerOptions, startContainerSubAgent } from './service.js';

const collect = (value: string, values: string[] = []): string[] => [...values, value];

export const containerProgram: SubAgentProgram<ContainerOptions> = {
  name: 'mistify-container',
  description: 'Runs containers with Docker, Podman, or another engine with the Docker Engine API',
  defaultPort: 30001,
  options: [
    new Option('--dir <dir>', 'directory for its own files')
      .env('MISTIFY_STATE_DIR')
      .argParser((path) => resolve(path))
      .default('/var/lib/mistify/container'),
    new Option(
      '--engine <path>',
      "the container engine's unix socket; may be repeated: the first that responds is used (default: $DOCKER_HOST, else the sockets of Docker and Podman)",
    ).argParser(collect),
    new Option(
      '--import-dir <dir>',
      'directory of files that may be loaded as images; may be repeated (default: import in --dir)',
    ).argParser((path, paths?: string[]) => collect(resolve(path), paths)),
    new Option(
      '--registry-auth <file>',
      'credentials of registries, as podman login --authfile writes them (default: auth.json in --dir)',
    ).argParser((path) => resolve(path)),
    hostDirOption(),
    new Option(
      '--capability <name>',
      `Linux capability of each container; may be repeated (default: ${DEFAULT_POLICY.capabilities.join(', ')})`,
    ).argParser(capabilityArgument),
    new Option(
      '--allow-capability <name>',
      `Linux capability that a guest may add, beside ${DEFAULT_POLICY.allowedCapabilities.join(', ')}; may be repeated`,
    ).argParser(capabilityArgument),
    new Option('--pids-limit <number>', 'most processes and threads of a container; 0 for no limit')
      .argParser(pidsLimitArgument)
      .default(DEFAULT_POLICY.pidsLimit),
    new Option('--allow-new-privileges', 'let programs with set-user-ID bits, such as sudo, gain privileges'),
    new Option(
      '--allow-network-driver <name>',
      'allow NICs on engine networks of this driver (host: the network of the host itself); may be repeated',
    ).argParser(collect),
    new Option(
      '--allow-device <device>',
      'device of the host that a guest may have: a path, or a CDI device such as vendor.com/class=name or =*; may be repeated',
    ).argParser(collect),
    new Option(
      '--allow-bind <dir>',
      'let guests mount this directory of the host, and what is below it; may be repeated',
    ).argParser((path, paths?: string[]) => collect(resolve(path), paths)),
    privateAddressOption(),
  ],
  start: startContainerSubAgent,
};
