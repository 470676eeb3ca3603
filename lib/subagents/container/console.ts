import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Console } from '../../http/websocket/console.js';
import { pausesBetweenLooks, requireRunning } from './exec.js';
import type { Guests } from './guests.js';

/** Prefers bash. */
const SHELL = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash; exec sh'];

const makeExec = async (guests: Guests, id: string): Promise<Docker.Exec> => {
  await requireRunning(guests, id);
  return guests.withContainer(id, (engine) =>
    engine.exec({
      Cmd: SHELL,
      Env: ['TERM=xterm-256color'],
      Tty: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    }),
  );
};

/** About two seconds: engines open the streams of a program before it runs. */
const LOOKS = 8;

/** Hangs up a program, which engines leave running without its client, as soon as it runs. */
export const hangUp = async (exec: Docker.Exec): Promise<void> => {
  const backoff = pausesBetweenLooks();
  for (let look = 1; look <= LOOKS; look += 1) {
    const { Running, Pid } = await exec.inspect();
    if (Running && Pid > 0) return void process.kill(Pid, 'SIGHUP');
    await delay(backoff.next());
  }
};

/**
 * Opens a new shell in a guest's container. The container's own program has a terminal only if its image asks for one.
 * @throws {Refusal} `not_found` without a container, `conflict` when it is not running
 */
export const openShell = async (guests: Guests, id: string): Promise<Console> => {
  const exec = await makeExec(guests, id);
  const bytes = await guests.engine.call(() => exec.start({ hijack: true, stdin: true, Tty: true }));
  // Errors do not matter: the shell may have exited, or the engine may be gone.
  bytes.once('close', () => void hangUp(exec).catch(() => {}));
  return {
    bytes,
    resize: ({ columns, rows }) => exec.resize({ w: columns, h: rows }).catch(() => {}),
  };
};
