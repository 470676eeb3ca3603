import type { ChildProcess } from 'node:child_process';
import type { Logger } from '../../log.js';
import { type ChildExit, exitOf } from '../../process/child-exit.js';
import { describeAddress } from '../../rpc/protocol/service-address.js';
import { watchForHang } from './hang-watch.js';
import type { LastExits } from './last-exits.js';
import { type Launch, type LaunchedService, start } from './launch.js';

/** A service that ran or answered for this long counts as healthy. */
export const STEADY_MS = 60_000;

/** A service that the agent watches. */
export interface WatchedService extends LaunchedService {
  /** Milliseconds without an answer after which it hangs. */
  limitMs: number;
}

/** How one run of a process ended. */
export interface RunResult extends ChildExit {
  /** Whether the agent ended it because a service did not answer its health calls. */
  hung: boolean;
  /** Milliseconds until all of its services had answered for the last time; 0 when one of them never did. */
  healthyMs: number;
}

export interface RunOptions {
  launch: Launch;
  exits: LastExits;
  log: Logger;
  onStart: (child: ChildProcess) => void;
}

/**
 * Runs the process of one service, or of several that share it, until it exits. Kills it when one of them hangs, as it may
 * not react to SIGTERM.
 */
export const runServices = async (
  services: readonly WatchedService[],
  { launch, exits, log, onStart }: RunOptions,
): Promise<RunResult> => {
  const child = start(launch);
  const exiting = exitOf(child);
  onStart(child);
  const { pid } = child;
  const lines = exits.follow(child, log.child({ service: services.map(({ name }) => name).join(', ') }));
  for (const { name, endpoint } of services)
    log.info({ service: name, pid, address: describeAddress(endpoint.address) }, 'service started');
  const startedAt = performance.now();
  const healthyMs = services.map(() => 0);
  const exited = new AbortController();
  let hungMs: number | undefined;
  const watching = services.map(async ({ name, endpoint, limitMs }, index) => {
    const onAnswer = (): void => {
      healthyMs[index] = performance.now() - startedAt;
    };
    if (!(await watchForHang(endpoint, limitMs, exited.signal, onAnswer))) return;
    log.error({ service: name, pid }, `service hangs, no answer for ${limitMs / 1000} s: ending it`);
    if (child.kill('SIGKILL')) hungMs ??= limitMs;
  });
  const steady = setTimeout(() => {
    for (const { endpoint } of services) exits.forget(endpoint.address);
  }, STEADY_MS).unref();
  const exit = await exiting;
  clearTimeout(steady);
  exited.abort();
  await Promise.all(watching);
  for (const { endpoint } of services) exits.note(endpoint.address, { exit, lines, hungMs });
  return { ...exit, hung: hungMs !== undefined, healthyMs: Math.min(...healthyMs) };
};
