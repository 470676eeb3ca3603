import type { ChildProcess } from 'node:child_process';
import type { Logger } from '../../log.js';
import { type ChildExit, exitOf } from '../../process/child-exit.js';
import { describeAddress } from '../../rpc/protocol/service-address.js';
import { watchForHang } from './hang-watch.js';
import type { LastExits } from './last-exits.js';
import { type Launch, start } from './launch.js';

/** A service that ran or answered for this long counts as healthy. */
export const STEADY_MS = 60_000;

/** How one run of a service ended. */
export interface RunResult extends ChildExit {
  /** Whether the agent ended it because it did not answer its health calls. */
  hung: boolean;
  /** Milliseconds until its last answer. */
  healthyMs: number;
}

export interface RunOptions {
  /** Milliseconds without an answer after which the service hangs. */
  limitMs: number;
  exits: LastExits;
  log: Logger;
  onStart: (child: ChildProcess) => void;
}

/** Runs a service until it exits. Kills it when it hangs, as it may not react to SIGTERM. */
export const runService = async (
  launch: Launch,
  { limitMs, exits, log, onStart }: RunOptions,
): Promise<RunResult> => {
  const { name, endpoint } = launch;
  const child = start(launch, log);
  const exiting = exitOf(child);
  onStart(child);
  const lines = exits.follow(child, log.child({ service: name }));
  log.info({ service: name, pid: child.pid, address: describeAddress(endpoint.address) }, 'service started');
  const startedAt = performance.now();
  let healthyMs = 0;
  const exited = new AbortController();
  const onAnswer = (): void => {
    healthyMs = performance.now() - startedAt;
  };
  const watching = watchForHang(endpoint, limitMs, exited.signal, onAnswer).then((isHanging) => {
    if (!isHanging) return false;
    log.error(
      { service: name, pid: child.pid },
      `service hangs, no answer for ${limitMs / 1000} s: ending it`,
    );
    return child.kill('SIGKILL');
  });
  const steady = setTimeout(() => exits.forget(endpoint.address), STEADY_MS).unref();
  const exit = await exiting;
  clearTimeout(steady);
  exited.abort();
  const hung = await watching;
  exits.note(endpoint.address, { exit, lines, hungMs: hung ? limitMs : undefined });
  return { ...exit, hung, healthyMs };
};
