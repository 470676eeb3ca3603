import { rawKeys } from '../raw-keys.js';

const CTRL_C = 0x03;
const Q = 'q'.charCodeAt(0);

/**
 * Lets a person leave with q. Ctrl-C is what it is elsewhere, although the terminal no longer makes a signal of it.
 * @returns when they do, and how to no longer listen
 */
export const leaving = (): { left: AbortSignal; release: () => void } => {
  const leave = new AbortController();
  if (!process.stdin.isTTY) return { left: leave.signal, release: () => {} };
  const release = rawKeys((typed) => {
    if (typed.includes(CTRL_C)) {
      release();
      process.kill(process.pid, 'SIGINT');
    } else if (typed.includes(Q)) leave.abort();
  });
  return { left: leave.signal, release };
};
