import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/load.js';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { Backoff } from '../../portable/backoff.js';
import { removeStaleSocket, type ServiceAddress } from '../../rpc/protocol/service-address.js';
import { LastExits } from './last-exits.js';
import { type Launch, planLaunch } from './launch.js';
import { type RunResult, runServices, STEADY_MS, type WatchedService } from './run-services.js';
import type { Secrets } from './secrets.js';

const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
const STOP_MS = 10_000;
const HEALTH_TIMEOUT_S = 60;

/** How often a service was started again. */
export interface Restarts {
  /** After it exited. */
  exited: number;
  /** After the agent ended it because it did not answer. */
  hung: number;
}

export interface Supervisor {
  /** Why the sub-agents exited last. */
  readonly exits: Pick<LastExits, 'reason' | 'hang'>;
  /** Counts the restarts of the services, by name. */
  readonly restarts: ReadonlyMap<string, Restarts>;
  /** Sets what is called once a service that hangs was ended. */
  onHang(listener: (address: ServiceAddress, reason: string) => void): void;
  /** Stops the services and waits until they have exited. */
  stop(): Promise<void>;
}

/** Sends SIGTERM, and SIGKILL when the service has not exited after `STOP_MS`. */
const stop = (child: ChildProcess): void => {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
};

/** Groups the services that the agent starts by their process. */
const processesOf = ({ services }: Config, secrets: Secrets): WatchedService[][] => {
  const processes = new Map<string, WatchedService[]>();
  for (const [name, service] of services) {
    const { command, process: shared, health_timeout: seconds = HEALTH_TIMEOUT_S } = service;
    if (command === undefined) continue;
    const endpoint = { address: service, secret: secrets.get(service) };
    const key = shared === undefined ? `service ${name}` : `process ${shared}`;
    const watched = { name, endpoint, command, limitMs: seconds * 1000 };
    processes.set(key, [...(processes.get(key) ?? []), watched]);
  }
  return [...processes.values()];
};

/**
 * Starts every service that has a `command`, and restarts it, with backoff, when it exits. Ends one that does not answer
 * its health calls, as a kill would: its guests keep running, and its calls fail.
 */
export const superviseServices = (config: Config, secrets: Secrets, log: Logger): Supervisor => {
  const stopping = new AbortController();
  const running = new Set<ChildProcess>();
  const exits = new LastExits();
  const processes = processesOf(config, secrets);
  const restarts = new Map(processes.flat().map(({ name }) => [name, { exited: 0, hung: 0 }]));
  let onHang = (_address: ServiceAddress, _reason: string): void => {};

  const noteEnd = (
    services: readonly WatchedService[],
    { hung, healthyMs, ...exit }: RunResult,
    backoffMs: number,
  ): void => {
    for (const { name, endpoint } of services) {
      const counts = restarts.get(name);
      if (counts) counts[hung ? 'hung' : 'exited'] += 1;
      if (hung) onHang(endpoint.address, exits.reason(endpoint.address) ?? 'it hung');
      log.error({ service: name, ...exit, backoffMs }, 'service exited, restarting');
    }
  };

  const removeSockets = async (services: readonly WatchedService[]): Promise<void> => {
    for (const { name, endpoint } of services)
      await removeStaleSocket(endpoint.address).catch((error) =>
        log.error({ service: name }, errorMessage(error)),
      );
  };

  const runOnce = async (services: readonly WatchedService[], launch: Launch): Promise<RunResult> => {
    let child: ChildProcess | undefined;
    const onStart = (started: ChildProcess): void => {
      child = started;
      running.add(started);
    };
    try {
      return await runServices(services, { launch, exits, log, onStart });
    } catch (error) {
      return { reason: errorMessage(error), hung: false, healthyMs: 0 };
    } finally {
      if (child) running.delete(child);
    }
  };

  const supervise = async (services: readonly WatchedService[]): Promise<void> => {
    const launch = await planLaunch(services, config, log);
    const backoff = new Backoff(FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
    while (!stopping.signal.aborted) {
      await removeSockets(services);
      if (stopping.signal.aborted) return;
      const result = await runOnce(services, launch);
      if (stopping.signal.aborted) return;
      if (result.healthyMs > STEADY_MS) backoff.reset();
      const backoffMs = backoff.next();
      noteEnd(services, result, backoffMs);
      await delay(backoffMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (services.length > 1 && result.healthyMs === 0) return separate(services);
    }
  };

  /** One service that cannot be started, or fails at once, must not keep the others from running. */
  const separate = async (services: readonly WatchedService[]): Promise<void> => {
    log.warn(
      { services: services.map(({ name }) => name) },
      'shared process exited before all of its services had answered: each gets a process of its own',
    );
    await Promise.all(services.map((service) => supervise([service])));
  };

  const supervised = processes.map(supervise);

  return {
    ...{ exits, restarts },
    onHang: (listener) => {
      onHang = listener;
    },
    stop: async () => {
      stopping.abort();
      for (const child of running) stop(child);
      await Promise.all(supervised);
    },
  };
};
