import type { ChildProcess } from 'node:child_process';

/** The way a child process ended. */
export interface ChildExit {
  /** `undefined` when the process did not start, `null` when a signal ended it. */
  exitCode?: number | null;
  signal?: NodeJS.Signals | null;
  /** Why the process did not start. */
  reason?: string;
}

/** Resolves when a child process ends. Call immediately after spawn; an earlier exit is missed. */
export const exitOf = (child: ChildProcess): Promise<ChildExit> =>
  new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ reason: message }));
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
