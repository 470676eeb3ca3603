import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { asUser } from '../../../process/unprivileged.js';
import { QmpClient } from '../../../qmp/client.js';
import type { GuestPaths } from '../layout.js';
import { complaintIn } from '../machine/program.js';
import type { PassedFiles } from './passed-files.js';

const { O_WRONLY, O_APPEND, O_CREAT, O_TRUNC } = constants;
const START_TIMEOUT_MS = 60_000;
/** Its sockets are there some milliseconds before it answers on them: being a little late for them costs nothing. */
const POLL_MS = 5;

/** Whom QEMU is to be; itself stays who it is without a uid. */
export interface User {
  uid?: number | undefined;
  /** Supplementary groups. */
  groups: readonly number[];
}

interface Started {
  pid: number;
  qmp: QmpClient;
}

const privileges = ({ uid, groups }: User): string[] =>
  uid === undefined ? ['--no-new-privs'] : asUser({ uid, gid: uid, groups });

/** A connection to a QEMU that has opened all it needs, `undefined` while it has not. */
const connect = async ({ qmp }: GuestPaths, timeoutMs: number): Promise<QmpClient | undefined> =>
  QmpClient.connect(qmp, { timeoutMs }).catch(() => undefined);

const waitUntilUp = async (paths: GuestPaths, ended: () => boolean): Promise<QmpClient> => {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (let left = START_TIMEOUT_MS; left > 0; left = deadline - Date.now()) {
    const qmp = await connect(paths, left);
    if (qmp) return qmp;
    if (ended())
      throw new Error(complaintIn(await readFile(paths.qemuLog, 'utf8')) ?? 'it ended without a word');
    await sleep(POLL_MS);
  }
  throw new Error('it did not come up in time');
};

/**
 * Starts a QEMU that outlives this process: in a session of its own, with nothing of ours open but what it was
 * passed. Its sandbox forbids it to do that by itself (`-daemonize`).
 * @returns once all of its devices and sockets are there
 * @throws with what it says
 */
export const startProcess = async (
  command: readonly string[],
  user: User,
  paths: GuestPaths,
  files: PassedFiles,
): Promise<Started> => {
  const log = await open(paths.qemuLog, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0o600);
  try {
    const child = spawn('setpriv', [...privileges(user), '--', ...command], {
      cwd: paths.runDir,
      // Nothing that we were told is told to it.
      env: { PATH: process.env.PATH },
      detached: true,
      stdio: ['ignore', 'ignore', log.fd, ...files.fds],
    });
    child.unref();
    let ended = false;
    child.once('exit', () => {
      ended = true;
    });
    await once(child, 'spawn');
    return { pid: child.pid ?? 0, qmp: await waitUntilUp(paths, () => ended) };
  } finally {
    await log.close();
  }
};
