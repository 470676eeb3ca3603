import type { ChildProcess } from 'node:child_process';

/** How a child process ended. */
export interface Ending {
  /** `undefined` when it could not even be started, `null` when a signal ended it. */
  exitCode?: number | null;
  signal?: NodeJS.Signals | null;
  /** Why it could not be started. */
  reason?: string;
}

/** To be called at once after the start: an ending that was before is not told. */
export const endingOf = (child: ChildProcess): Promise<Ending> =>
  new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ reason: message }));
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
