import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { chmod, chown, mkdir, open, readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../../errors.js';
import { ifExists } from '../../../files/atomic-files.js';
import { runProgram } from '../../../process/run-program.js';
import { asUser } from '../../../process/unprivileged.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { recordProcess } from '../guests/run-dir.js';
import { findQemu, findStartedIn } from '../process/process.js';
import type { TpmPaths } from './paths.js';

const { O_WRONLY, O_APPEND, O_CREAT, O_TRUNC, O_RDONLY, O_DIRECTORY } = constants;

const PROGRAM = 'swtpm';
const CHECK_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 20_000;
/** How long swtpm gets to exit by itself once its QEMU is gone. */
const EXIT_WAIT_MS = 3000;
/** When it must be gone, even if it had to be killed. */
const KILL_WAIT_MS = 20_000;
const POLL_MS = 10;

/** @throws {Refusal} `conflict` when swtpm is not installed */
export const requireSwtpm = async (): Promise<void> => {
  try {
    await runProgram(PROGRAM, ['--version'], { timeoutMs: CHECK_TIMEOUT_MS });
  } catch (error) {
    throw new Refusal(
      'conflict',
      `a guest with a TPM needs swtpm, which does not work on this host: install it (Debian: apt install swtpm), or leave "machine.tpm" out (${errorMessage(error).split('\n')[0]})`,
      { cause: error },
    );
  }
};

/** The first descriptor after standard input, output and error. */
const STATE_FD = 3;

/**
 * The state directory is passed as a descriptor, because swtpm may not enter those above it. `--terminate` ends swtpm with
 * its QEMU: swtpm(8).
 */
const ARGUMENTS = [
  ...['socket', '--tpm2', '--terminate'],
  ...['--tpmstate', `dir=/proc/self/fd/${STATE_FD},mode=0600`],
  ...['--ctrl', 'type=unixio,path=sock,mode=0660'],
];

interface TpmUser {
  /** A user that only this TPM has: a guest that took over its QEMU must not take over its TPM. */
  uid: number | undefined;
  /** The guest's group, in which its QEMU may connect to the socket. */
  gid: number | undefined;
}

const makeDir = async ({ dir }: TpmPaths, { uid, gid }: TpmUser): Promise<void> => {
  await mkdir(dir, { mode: 0o700 });
  if (uid === undefined || gid === undefined) return;
  await chown(dir, uid, gid);
  await chmod(dir, 0o750);
};

const waitForSocket = async ({ socket, log }: TpmPaths, hasExited: () => boolean): Promise<void> => {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await ifExists(stat(socket)))) {
    if (hasExited() || Date.now() > deadline) {
      const words = (await readFile(log, 'utf8')).trim().split('\n').at(-1);
      throw new Error(`the TPM of the guest did not start: swtpm: ${words || 'no message'}`);
    }
    await sleep(POLL_MS);
  }
};

/**
 * Starts a TPM that outlives this process, before the guest's QEMU, which connects to it.
 * @param stateDir from `prepareTpmState`
 * @throws with swtpm's own words
 */
export const startSwtpm = async (paths: TpmPaths, stateDir: string, user: TpmUser): Promise<void> => {
  await makeDir(paths, user);
  const state = await open(stateDir, O_RDONLY | O_DIRECTORY);
  const log = await open(paths.log, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0o600);
  try {
    const { uid, gid } = user;
    const privileges = uid === undefined || gid === undefined ? ['--no-new-privs'] : asUser({ uid, gid });
    const child = spawn('setpriv', [...privileges, '--', PROGRAM, ...ARGUMENTS], {
      cwd: paths.dir,
      env: { PATH: process.env.PATH },
      detached: true,
      stdio: ['ignore', log.fd, log.fd, state.fd],
    });
    child.unref();
    let exited = false;
    child.once('exit', () => {
      exited = true;
    });
    await once(child, 'spawn');
    await waitForSocket(paths, () => exited);
    await recordProcess(paths, child.pid ?? 0);
  } finally {
    await log.close();
    await state.close();
  }
};

/** Whether the TPM of a running guest is alive. */
export const isSwtpmAlive = async (paths: TpmPaths): Promise<boolean> =>
  (await findQemu(paths)) !== undefined;

const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has exited meanwhile.
  }
};

/** Ends a TPM whose QEMU is gone, also one that an interrupted start has left. */
export const endSwtpm = async (paths: TpmPaths): Promise<void> => {
  if (!(await ifExists(stat(paths.dir)))) return;
  const begun = Date.now();
  for (let waited = 0; waited < KILL_WAIT_MS; waited = Date.now() - begun) {
    const pids = await findStartedIn(paths.dir);
    if (pids.length === 0) return;
    if (waited > EXIT_WAIT_MS) for (const pid of pids) killIfThere(pid);
    await sleep(POLL_MS);
  }
  throw new Error(`the TPM of the guest did not exit: ${paths.pid} has its process id`);
};
