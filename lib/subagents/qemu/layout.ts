import { dirname, join, resolve } from 'node:path';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { assertSocketsFit, type SharedGuestPaths, sharedGuestPaths } from '../shared/guest-run-dir.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The paths of one guest's files: docs/qemu.md, "Files". */
export interface GuestPaths extends SharedGuestPaths {
  id: string;
  /** Exists as long as the guest is defined. */
  stateDir: string;
  record: string;
  serialLog: string;
  /** The ISO image that cloud-init in the guest reads. */
  seed: string;
  /** The memory of a guest that is off, saved by QEMU. */
  memory: string;
  /** Where the sub-agent receives the memory from QEMU. */
  memorySocket: string;
  /** QEMU's standard error since the last start. */
  qemuLog: string;
  /** The process id of a QEMU that is up. */
  pid: string;
  /** That process's start time in the clock ticks of proc(5); the kernel may reuse the process id alone. */
  started: string;
  /** QEMU's own directory, the only one in which QEMU can create and remove files. */
  upDir: string;
  /** A socket that QEMU removes when it exits by itself and leaves behind when it is killed. */
  upMark: string;
  qmp: string;
  serial: string;
  /** VNC without a password; the socket's permissions guard it. */
  vnc: string;
  vncPassword: string;
}

export interface Layout {
  /** The sub-agent's state directory. */
  dir: string;
  /** Holds the run directories of all guests that run. */
  runRoot: string;
  /** Holds one directory for each defined guest. */
  guestsDir: string;
  /** Lists the guests that have ports on switches that keep them. */
  switchPorts: string;
  /** The directories that guests' disks may lie in. */
  diskDirs: string[];
  /** @throws when `id` is not a UUID in lower case; it becomes part of paths */
  paths: (id: string) => GuestPaths;
}

export interface LayoutOptions {
  dir: string;
  runDir: string;
  diskDir?: string[];
}

const guestPaths = (guestsDir: string, runRoot: string, id: string): GuestPaths => {
  const stateDir = join(guestsDir, id);
  const shared = sharedGuestPaths(runRoot, id);
  const { runDir } = shared;
  const upDir = join(runDir, 'up');
  return {
    ...shared,
    id,
    stateDir,
    record: join(stateDir, 'guest.json'),
    serialLog: join(stateDir, 'serial.log'),
    seed: join(stateDir, 'seed.iso'),
    memory: join(stateDir, 'memory'),
    memorySocket: join(runDir, 'memory.sock'),
    qemuLog: join(stateDir, 'qemu.log'),
    pid: join(runDir, 'pid'),
    started: join(runDir, 'started'),
    upDir,
    upMark: join(upDir, 'sock'),
    qmp: join(runDir, 'qmp.sock'),
    serial: join(runDir, 'serial.sock'),
    vnc: join(runDir, 'vnc.sock'),
    vncPassword: join(runDir, 'vnc-password'),
  };
};

/**
 * Resolves the sub-agent's directories.
 * @throws when the run directory's path is too long for the unix sockets in it
 */
export const createLayout = (options: LayoutOptions): Layout => {
  const dir = resolve(options.dir);
  const runRoot = resolve(options.runDir);
  assertSocketsFit(runRoot);
  const guestsDir = join(dir, 'guests');
  const diskDirs = options.diskDir?.length
    ? options.diskDir.map((path) => resolve(path))
    : [join(dirname(dir), 'storage', 'guests')];
  const paths = (id: string): GuestPaths => {
    if (!UUID.test(id)) throw new Refusal('invalid', `guest ${id}: the id must be a UUID in lower case`);
    return guestPaths(guestsDir, runRoot, id);
  };
  return { dir, runRoot, guestsDir, switchPorts: join(dir, 'switch-ports.json'), diskDirs, paths };
};
