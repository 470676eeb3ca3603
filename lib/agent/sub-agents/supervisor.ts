import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/load.js';
import type { ServiceConfig } from '../../config/schema.js';
import { errorMessage } from '../../errors.js';
import type { Logger } from '../../log.js';
import { Backoff } from '../../portable/backoff.js';
import { removeStaleSocket, type ServiceAddress } from '../../rpc/protocol/service-address.js';
import { LastExits } from './last-exits.js';
import { resolveCommand } from './launch.js';
import { type RunResult, runService, STEADY_MS } from './run-service.js';
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

/**
 * Starts every service that has a `command`, and restarts it, with backoff, when it exits. Ends one that does not answer
 * its health calls, as a kill would: its guests keep running, and its calls fail.
 */
export const superviseServices = (config: Config, secrets: Secrets, log: Logger): Supervisor => {
  const stopping = new AbortController();
  const running = new Map<string, ChildProcess>();
  const exits = new LastExits();
  const restarts = new Map<string, Restarts>();
  let onHang = (_address: ServiceAddress, _reason: string): void => {};

  const supervise = async (name: string, service: ServiceConfig): Promise<void> => {
    const command = await resolveCommand(service.command ?? []);
    const endpoint = { address: service, secret: secrets.get(service) };
    const limitMs = (service.health_timeout ?? HEALTH_TIMEOUT_S) * 1000;
    const counts: Restarts = { exited: 0, hung: 0 };
    restarts.set(name, counts);
    const launch = { name, endpoint, command, config };
    const run = (): Promise<RunResult> =>
      runService(launch, { limitMs, exits, log, onStart: (child) => running.set(name, child) });
    const backoff = new Backoff(FIRST_BACKOFF_MS, MAX_BACKOFF_MS);
    /** Returns the milliseconds until the restart. */
    const noteEnd = ({ hung, healthyMs, ...exit }: RunResult): number => {
      counts[hung ? 'hung' : 'exited'] += 1;
      if (hung) onHang(service, exits.reason(service) ?? 'it hung');
      if (healthyMs > STEADY_MS) backoff.reset();
      const backoffMs = backoff.next();
      log.error({ service: name, ...exit, backoffMs }, 'service exited, restarting');
      return backoffMs;
    };
    while (!stopping.signal.aborted) {
      await removeStaleSocket(service).catch((error) => log.error({ service: name }, errorMessage(error)));
      if (stopping.signal.aborted) return;
      const result = await run().catch(
        (error): RunResult => ({ reason: errorMessage(error), hung: false, healthyMs: 0 }),
      );
      running.delete(name);
      if (stopping.signal.aborted) return;
      await delay(noteEnd(result), undefined, { signal: stopping.signal }).catch(() => {});
    }
  };

  const supervised = [...config.services]
    .filter(([, { command }]) => command !== undefined)
    .map(([name, service]) => supervise(name, service));

  return {
    ...{ exits, restarts },
    onHang: (listener) => {
      onHang = listener;
    },
    stop: async () => {
      stopping.abort();
      for (const child of running.values()) stop(child);
      await Promise.all(supervised);
    },
  };
};
