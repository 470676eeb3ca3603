import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildExit } from '../../../process/child-exit.js';
import type { GuestPaths } from '../layout.js';
import { wasOomKilled } from '../process/oom.js';

/** How long Node may take to report the exit of a child that the kernel shows as gone. */
const CHILD_EXIT_MS = 1000;

/** Why a run ended, by the `reason` of QMP's SHUTDOWN event: `ShutdownCause` in qapi/run-state.json. */
const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['guest-shutdown', 'shutdown'],
  ['guest-panic', 'panicked'],
  ['host-qmp-quit', 'poweroff'],
  ['host-ui', 'poweroff'],
  // SIGTERM, SIGINT or SIGHUP.
  ['host-signal', 'killed'],
  ['host-error', 'crashed'],
]);

export const reasonOfShutdown = (cause: unknown): string | undefined => REASONS.get(cause);

/** QEMU writes this to its log before it exits because of a signal. */
const SIGNALLED = /^\S+: terminating on signal \d+/m;

/** Why a QEMU exited by itself while no sub-agent watched; `undefined` when its log does not say. */
export const reasonInLog = async ({ qemuLog }: Pick<GuestPaths, 'qemuLog'>): Promise<string | undefined> =>
  SIGNALLED.test(await readFile(qemuLog, 'utf8').catch(() => '')) ? 'killed' : undefined;

/**
 * Why a QEMU died.
 * @param exit its end as a child; without one, this process has not started it
 */
export const reasonOfDeath = async (
  paths: Pick<GuestPaths, 'pid' | 'started'>,
  exit: Promise<ChildExit> | undefined,
): Promise<string> => {
  const ended = exit && (await Promise.race([exit, delay(CHILD_EXIT_MS, undefined, { ref: false })]));
  if (ended && ended.signal !== 'SIGKILL') return 'crashed';
  if (await wasOomKilled(paths)) return 'out of memory';
  return ended ? 'killed' : 'killed or crashed';
};
