import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Config } from '../../config/load.js';
import { ownProgram } from '../../config/programs.js';
import type { Logger } from '../../log.js';
import { SUB_AGENT_ENVIRONMENT, SUB_AGENT_FLAGS } from '../../process/node-flags.js';
import { joinCommands, SHARED_PROGRAM } from '../../process/shared-process.js';
import { endingWithParent } from '../../process/with-parent.js';
import type { ServiceEndpoint } from '../../rpc/protocol/service-address.js';

/** The threads of Node.js for files, in each process. */
const FILE_THREADS = 4;

/** A service that the agent starts. */
export interface LaunchedService {
  name: string;
  endpoint: ServiceEndpoint;
  command: readonly string[];
}

/** What starts one process, in which one service runs, or several. */
export interface Launch {
  command: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the package's own programs with the agent's Node binary, sparing memory; others are looked up on the PATH. */
const resolveCommand = async (command: readonly string[]): Promise<Launch> => {
  const [program = '', ...args] = command;
  const own = await ownProgram(program);
  if (own === undefined) return { command, environment: {} };
  return {
    command: [process.execPath, ...SUB_AGENT_FLAGS, own, ...args],
    environment: SUB_AGENT_ENVIRONMENT,
  };
};

/** Tells a sub-agent where to listen and which secret to expect. */
const endpointVariables = ({ address, secret }: ServiceEndpoint) => ({
  MISTIFY_PORT: 'port' in address ? String(address.port) : undefined,
  MISTIFY_SOCKET: 'socket' in address ? address.socket : undefined,
  MISTIFY_SECRET: secret,
});

/** The variables that differ between services; none of the agent's own may reach a shared process. */
const NO_SERVICE = {
  MISTIFY_PORT: undefined,
  MISTIFY_SOCKET: undefined,
  MISTIFY_SECRET: undefined,
  MISTIFY_STATE_DIR: undefined,
};

const stateDir = (dbpath: string, { name }: LaunchedService): string => join(dbpath, name);

/** Gives each service of a shared process by options what a service of its own gets by its environment. */
const sharedCommand = (services: readonly LaunchedService[], dbpath: string): string[] => {
  const commands = services.map((service) => {
    const [program = '', ...args] = service.command;
    const { address } = service.endpoint;
    const where = 'socket' in address ? ['--socket', address.socket] : ['--port', String(address.port)];
    return [program, ...where, '--dir', stateDir(dbpath, service), ...args];
  });
  return [SHARED_PROGRAM, ...joinCommands(commands)];
};

const variablesOfAll = ({ dbpath, privateAddresses }: Config, log: Logger) => ({
  MISTIFY_LOG_LEVEL: log.level,
  MISTIFY_RUN_DIR: join(dbpath, 'run'),
  MISTIFY_PRIVATE_ADDRESSES: privateAddresses.length > 0 ? privateAddresses.join(',') : undefined,
});

/** Plans the process of a service, or of several that share it, which then all are the product's own and on sockets. */
export const planLaunch = async (
  services: readonly LaunchedService[],
  config: Config,
  log: Logger,
): Promise<Launch> => {
  const { dbpath } = config;
  const [first, ...others] = services;
  const isAlone = first !== undefined && others.length === 0;
  const { command, environment } = await resolveCommand(
    isAlone ? first.command : sharedCommand(services, dbpath),
  );
  if (isAlone)
    return {
      command,
      environment: {
        ...environment,
        ...variablesOfAll(config, log),
        ...endpointVariables(first.endpoint),
        MISTIFY_STATE_DIR: stateDir(dbpath, first),
      },
    };
  return {
    command,
    environment: {
      ...environment,
      // A file system that hangs under one of them then leaves the others as many threads as they had alone.
      UV_THREADPOOL_SIZE: String(FILE_THREADS * services.length),
      ...variablesOfAll(config, log),
      ...NO_SERVICE,
    },
  };
};

/**
 * Starts a process in a session of its own, so that Ctrl-C reaches only the agent, which then stops its services.
 * It ends when the agent dies: it would keep its sockets, and the next agent could not start.
 */
export const start = ({ command, environment }: Launch): ChildProcess => {
  const [program, ...args] = endingWithParent('TERM', command);
  return spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...environment },
  });
};
