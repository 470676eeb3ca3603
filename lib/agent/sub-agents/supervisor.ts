import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/load.js';
import { ownProgram } from '../../config/programs.js';
import type { ServiceConfig } from '../../config/schema.js';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { Backoff } from '../../portable/backoff.js';
import { type ChildExit, exitOf } from '../../process/child-exit.js';
import { NODE_FLAGS } from '../../process/node-flags.js';
import {
  describeAddress,
  removeStaleSocket,
  type ServiceEndpoint,
} from '../../rpc/protocol/service-address.js';
import { LastExits } from './last-exits.js';
import type { Secrets } from './secrets.js';

const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** A service that ran for this long counts as healthy, and its backoff starts over. */
const STEADY_MS = 60_000;
const STOP_MS = 10_000;

export interface Supervisor {
  /** Why the sub-agents exited last. */
  readonly exits: Pick<LastExits, 'reason'>;
  /** Stops the services and waits until they have exited. */
  stop(): Promise<void>;
}

/** Runs the package's own programs with the agent's Node binary and flags; others are looked up on the PATH. */
const resolveCommand = async (command: readonly string[]): Promise<readonly string[]> => {
  const [program = '', ...args] = command;
  const own = await ownProgram(program);
  return own === undefined ? command : [process.execPath, ...NODE_FLAGS, own, ...args];
};

interface Launch {
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
 * `setpriv` makes the kernel stop the service when the agent dies.
 */
const start = (
  { name, endpoint, command, config: { dbpath, privateAddresses } }: Launch,
  log: Logger,
): ChildProcess =>
  spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...command], {
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

/** Sends SIGTERM, and SIGKILL when the service has not exited after `STOP_MS`. */
const stop = (child: ChildProcess): void => {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
};

/** Starts every service that has a `command`, and restarts it, with backoff, when it exits. */
export const superviseServices = (config: Config, secrets: Secrets, log: Logger): Supervisor => {
  const stopping = new AbortController();
  const running = new Map<string, ChildProcess>();
  const exits = new LastExits();

  const supervise = async (name: string, service: ServiceConfig): Promise<void> => {
    const command = await resolveCommand(service.command ?? []);
    const endpoint = { address: service, secret: secrets.get(service) };
    const address = describeAddress(service);
    const run = async (): Promise<ChildExit> => {
      const child = start({ name, endpoint, command, config }, log);
      running.set(name, child);
      const lines = exits.follow(child, log.child({ service: name }));
      log.info({ service: name, pid: child.pid, address }, 'service started');
      const steady = setTimeout(() => exits.forget(service), STEADY_MS).unref();
      const exit = await exitOf(child).finally(() => clearTimeout(steady));
      exits.note(service, exit, lines);
      return exit;
    };
    const backoff = new Backoff(FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      await removeStaleSocket(service).catch((error) => log.error({ service: name }, errorMessage(error)));
      if (stopping.signal.aborted) return;
      const exit = await run().catch((error): ChildExit => ({ reason: errorMessage(error) }));
      running.delete(name);
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt > STEADY_MS) backoff.reset();
      const backoffMs = backoff.next();
      log.error({ service: name, ...exit, backoffMs }, 'service exited, restarting');
      await delay(backoffMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };

  const supervised = [...config.services]
    .filter(([, { command }]) => command !== undefined)
    .map(([name, service]) => supervise(name, service));

  return {
    exits,
    stop: async () => {
      stopping.abort();
      for (const child of running.values()) stop(child);
      await Promise.all(supervised);
    },
  };
};
