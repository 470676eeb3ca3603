import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import { type ChildExit, exitOf } from '../../../process/child-exit.js';
import { asUser } from '../../../process/unprivileged.js';
import { QmpClient } from '../../../qmp/client.js';
import type { GuestPaths } from '../layout.js';
import { stderrMessage } from '../machine/program.js';
import { feed, LoadError, waitUntilLoaded } from '../saved-memory/load.js';
import { ignoreShared } from '../saved-memory/migration.js';
import type { PassedFiles } from './passed-files.js';

const { O_WRONLY, O_APPEND, O_CREAT, O_TRUNC } = constants;
const START_TIMEOUT_MS = 60_000;
/** QEMU creates its sockets some milliseconds before it replies on them, so a longer interval would gain nothing. */
const POLL_MS = 5;
/** How long a QEMU that has closed its monitor may take to exit. */
const EXIT_WAIT_MS = 5000;

/** The user that QEMU runs as; the sub-agent's own without a uid. */
export interface User {
  uid?: number | undefined;
  /** Supplementary groups. */
  groups: readonly number[];
}

interface Started {
  pid: number;
  qmp: QmpClient;
  exit: Promise<ChildExit>;
}

const privileges = ({ uid, groups }: User): string[] =>
  uid === undefined ? ['--no-new-privs'] : asUser({ uid, gid: uid, groups });

/** Connects to a QEMU that has opened everything it needs; `undefined` when it has not done so yet. */
const tryConnect = async ({ qmp }: GuestPaths, timeoutMs: number): Promise<QmpClient | undefined> =>
  QmpClient.connect(qmp, { timeoutMs }).catch(() => undefined);

const waitUntilUp = async (paths: GuestPaths, hasExited: () => boolean): Promise<QmpClient> => {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (let left = START_TIMEOUT_MS; left > 0; left = deadline - performance.now()) {
    const qmp = await tryConnect(paths, left);
    if (qmp) return qmp;
    if (hasExited())
      throw new Error(
        stderrMessage(await readFile(paths.qemuLog, 'utf8')) ?? 'it exited without an error message',
      );
    await sleep(POLL_MS);
  }
  throw new Error(`it did not reply over QMP within ${START_TIMEOUT_MS / 1000} s`);
};

/** Half of the host's memory on top of what the process uses: proc(5). */
const OOM_SCORE_ADJ = 500;

/** Lets a host without memory kill a guest before the agent, which other guests need. */
const preferForOomKill = (pid: number): Promise<void> =>
  // It may have exited already; that is reported elsewhere.
  writeFile(`/proc/${pid}/oom_score_adj`, String(OOM_SCORE_ADJ)).catch(() => {});

/** The memory of a guest whose QEMU is to be started. */
export interface Loading {
  /** The file of the state that QEMU loads: of all its memory, or of its devices alone if the memory is in `ram`. */
  state?: string | undefined;
  /** The file that QEMU maps as the guest's memory. */
  ram?: FileHandle | undefined;
}

/** Lets a QEMU that was started with `-incoming defer` load the state of its devices: its memory is there already. */
const loadDevices = async (qmp: QmpClient, fd: number): Promise<QmpClient> => {
  await qmp.execute('migrate-set-capabilities', ignoreShared(true));
  await qmp.execute('migrate-incoming', { uri: `fd:${fd}` });
  return qmp;
};

/**
 * @throws {LoadError} with QEMU's own message, when QEMU has rejected the memory and exited; another error when it was
 * killed, does not respond, or the memory could not be read
 */
const loadMemory = async (
  child: ChildProcess,
  { qemuLog }: GuestPaths,
  { state, hasRam }: { state: string; hasRam: boolean },
  up: Promise<QmpClient>,
  exit: Promise<ChildExit>,
): Promise<QmpClient> => {
  const pipe = child.stdio.at(-1);
  if (!(pipe instanceof Writable)) throw new TypeError('QEMU was started without a pipe for its memory');
  const fed = feed(state, pipe);
  try {
    const qmp = await up;
    await waitUntilLoaded(qmp);
    // Memory that the guest itself saves later is whole, and is loaded as such.
    if (hasRam) await qmp.execute('migrate-set-capabilities', ignoreShared(false));
    return qmp;
  } catch (error) {
    const { exitCode, signal } = await Promise.race([
      exit,
      sleep(EXIT_WAIT_MS, {} as ChildExit, { ref: false }),
    ]);
    if (signal) throw new Error(`it was ended by ${signal} while it loaded the memory`, { cause: error });
    if (exitCode === undefined || exitCode === null) throw error;
    const unread = await fed;
    if (unread) throw unread;
    throw new LoadError(stderrMessage(await readFile(qemuLog, 'utf8')) ?? errorMessage(error), {
      cause: error,
    });
  }
};

/**
 * Starts a QEMU that outlives this process: in its own session, with no open files but those passed to it. Replaces
 * `-daemonize`, which QEMU's sandbox forbids.
 * @param loading QEMU gets `ram` as the descriptor after those of `files`, and `state` through the one after that
 * @returns once all of its devices and sockets exist
 * @throws with QEMU's own message when it exits; {LoadError} when it loads memory
 */
export const startProcess = async (
  command: readonly string[],
  user: User,
  paths: GuestPaths,
  files: PassedFiles,
  { state, ram }: Loading = {},
): Promise<Started> => {
  const log = await open(paths.qemuLog, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0o600);
  try {
    const child = spawn('setpriv', [...privileges(user), '--', ...command], {
      cwd: paths.runDir,
      // The sub-agent's environment may hold secrets.
      env: { PATH: process.env.PATH },
      detached: true,
      stdio: [
        ...(['ignore', 'ignore', log.fd] as const),
        ...files.fds,
        ...(ram ? [ram.fd] : []),
        ...(state === undefined ? [] : ['pipe' as const]),
      ],
    });
    child.unref();
    let exited = false;
    const exit = exitOf(child);
    child.once('exit', () => {
      exited = true;
    });
    await once(child, 'spawn');
    await preferForOomKill(child.pid ?? 0);
    const up = waitUntilUp(paths, () => exited);
    const ready = ram && state !== undefined ? up.then((qmp) => loadDevices(qmp, files.nextFd + 1)) : up;
    const qmp = await (state === undefined
      ? up
      : loadMemory(child, paths, { state, hasRam: ram !== undefined }, ready, exit));
    return { pid: child.pid ?? 0, qmp, exit };
  } finally {
    await log.close();
  }
};
