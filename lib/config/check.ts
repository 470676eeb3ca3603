import { canShare, SHARING_PROGRAMS } from '../process/shared-process.js';
import { describeAddress, excessOfSocketPath, MAX_SOCKET_PATH } from '../rpc/protocol/service-address.js';
import { problemOfFleet } from './fleet.js';
import type { Draft } from './layers.js';
import type { ServiceConfig } from './schema.js';

/** Names the file that defines a key. */
type FileOf = (key: string) => string | undefined;

const checkFleet = ({ fleet }: Draft, fileOf: FileOf): string[] => {
  const problem = problemOfFleet(fleet);
  const [key = ''] = Object.keys(fleet);
  return problem === undefined ? [] : [`${fileOf(`fleet.${key}`)}: ${problem}`];
};

const checkStages = ({ actions, services }: Draft, fileOf: FileOf): string[] =>
  [...actions].flatMap(([name, { stages }]) =>
    stages.flatMap(({ service }, index) => {
      const key = `actions.${name}`;
      return services.has(service)
        ? []
        : [`${fileOf(key)}: ${key}.stages[${index}].service: there is no service ${service}`];
    }),
  );

/** Returns a problem of a service, starting with the key of the service that has it. */
type CheckService = (name: string, service: ServiceConfig) => string | undefined;

const checkSocketPath: CheckService = (_name, service) => {
  if (!('socket' in service)) return undefined;
  const excess = excessOfSocketPath(service.socket);
  if (excess === 0) return undefined;
  const size = `${MAX_SOCKET_PATH + excess} bytes, at most ${MAX_SOCKET_PATH}`;
  const advice = 'choose a shorter dbpath, or a shorter absolute path for the socket';
  return `socket: ${service.socket} is too long for a unix socket (${size}): ${advice}`;
};

/** Rejects a second secret file for an address: its services are one sub-agent, which has one secret. */
const checkSecret = (): CheckService => {
  const secretFiles = new Map<string, string>();
  return (_name, { secret_file: secretFile, ...service }) => {
    if (secretFile === undefined) return undefined;
    const address = describeAddress(service);
    const other = secretFiles.get(address) ?? secretFile;
    secretFiles.set(address, other);
    return other === secretFile ? undefined : `secret_file: ${address} already has the secret file ${other}`;
  };
};

/** Rejects a second command for an address: two programs would compete for it, each with a state of its own. */
const checkCommand = (): CheckService => {
  const services = new Map<string, string>();
  return (name, { command, ...service }) => {
    if (command === undefined) return undefined;
    const address = describeAddress(service);
    const other = services.get(address);
    if (other !== undefined) return `command: services.${other} already has a command for ${address}`;
    services.set(address, name);
    return undefined;
  };
};

const checkProcess: CheckService = (_name, { process, command = [] }) => {
  if (process === undefined || canShare(command[0])) return undefined;
  return `process: ${command[0]} cannot share a process, only ${SHARING_PROGRAMS.join(', ')} can: remove process`;
};

/**
 * Checks a config across services and files, once sockets have absolute paths.
 * @returns the problems, each with its file and key
 */
export const checkConfig = (draft: Draft, fileOf: FileOf): string[] => {
  const checks = [checkSocketPath, checkProcess, checkSecret(), checkCommand()];
  const problems = [...draft.services].flatMap(([name, service]) =>
    checks.flatMap((check) => {
      const problem = check(name, service);
      return problem === undefined ? [] : [`${fileOf(`services.${name}`)}: services.${name}.${problem}`];
    }),
  );
  return [...checkStages(draft, fileOf), ...checkFleet(draft, fileOf), ...problems];
};
