import { rawKeys } from '../raw-keys.js';

const CTRL_C = 0x03;
const Q = 'q'.charCodeAt(0);

/**
 * Listens for the key q. Ctrl-C still sends SIGINT, although a terminal in raw mode does not send it by itself.
 * @returns a signal that aborts on q, and a function that stops listening
 */
export const listenForQuit = (): { quit: AbortSignal; stop: () => void } => {
  const controller = new AbortController();
  if (!process.stdin.isTTY) return { quit: controller.signal, stop: () => {} };
  const stop = rawKeys((typed) => {
    if (typed.includes(CTRL_C)) {
      stop();
      process.kill(process.pid, 'SIGINT');
    } else if (typed.includes(Q)) controller.abort();
  });
  return { quit: controller.signal, stop };
};
