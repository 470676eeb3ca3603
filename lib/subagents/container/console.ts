import type Docker from 'dockerode';
import type { Console } from '../../http/websocket/console.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import type { Containers } from './guests.js';

/** The better shell, where there are two. */
const SHELL = ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash; exec sh'];

const makeExec = async (containers: Containers, id: string): Promise<Docker.Exec> => {
  const container = await containers.find(id);
  if (!container) throw new Refusal('not_found', `the container of guest ${id}: not found`);
  if (container.state !== 'running')
    throw new Refusal('conflict', `guest ${id} is ${container.state} and runs no shell: start it first`);
  return containers.with(id, (engine) =>
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

/** Engines leave a shell running whose terminal is gone. */
const hangUp = async (exec: Docker.Exec): Promise<void> => {
  const { Running, Pid } = await exec.inspect();
  if (Running && Pid > 0) process.kill(Pid, 'SIGHUP');
};

/**
 * A shell of its own in a guest's container: the container's program has a terminal only where its image asks for one.
 * @throws {Refusal} when there is no container that runs
 */
export const openShell = async (containers: Containers, id: string): Promise<Console> => {
  const exec = await makeExec(containers, id);
  const bytes = await containers.engine.call(() => exec.start({ hijack: true, stdin: true, Tty: true }));
  // It may have ended by itself, or the engine may be gone.
  bytes.once('close', () => void hangUp(exec).catch(() => {}));
  return {
    bytes,
    resize: ({ columns, rows }) => exec.resize({ w: columns, h: rows }).catch(() => {}),
  };
};
