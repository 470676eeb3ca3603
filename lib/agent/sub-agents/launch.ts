import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Config } from '../../config/load.js';
import { ownProgram } from '../../config/programs.js';
import type { Logger } from '../../log.js';
import { NODE_FLAGS } from '../../process/node-flags.js';
import { endingWithParent } from '../../process/with-parent.js';
import type { ServiceEndpoint } from '../../rpc/protocol/service-address.js';

/** Runs the package's own programs with the agent's Node binary and flags; others are looked up on the PATH. */
export const resolveCommand = async (command: readonly string[]): Promise<readonly string[]> => {
  const [program = '', ...args] = command;
  const own = await ownProgram(program);
  return own === undefined ? command : [process.execPath, ...NODE_FLAGS, own, ...args];
};

export interface Launch {
  name: string;
  endpoint: ServiceEndpoint;
  command: readonly string[];
  config: Config;
}

/** Tells a sub-agent where to listen and which secret to expect; replaces the agent's own variables of these names. */
const endpointVariables = ({ address, secret }: ServiceEndpoint) => ({
  MISTIFY_PORT: 'port' in address ? String(address.port) : undefined,
  MISTIFY_SOCKET: 'socket' in address ? address.socket : undefined,
  MISTIFY_SECRET: secret,
});

/**
 * Starts a service in a session of its own, so that Ctrl-C reaches only the agent, which then stops its services.
 * The service ends when the agent dies: it would keep its socket, and the next agent could not start.
 */
export const start = (
  { name, endpoint, command, config: { dbpath, privateAddresses } }: Launch,
  log: Logger,
): ChildProcess => {
  const [program, ...args] = endingWithParent('TERM', command);
  return spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'inherit', 'pipe'],
    env: {
      ...process.env,
      ...endpointVariables(endpoint),
      MISTIFY_LOG_LEVEL: log.level,
      MISTIFY_STATE_DIR: join(dbpath, name),
      MISTIFY_RUN_DIR: join(dbpath, 'run'),
      MISTIFY_PRIVATE_ADDRESSES: privateAddresses.length > 0 ? privateAddresses.join(',') : undefined,
    },
  });
};
