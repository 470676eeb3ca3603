import { dirname, join, resolve } from 'node:path';

/** The bytes that `sockaddr_un.sun_path` holds, less the final NUL: unix(7). */
const MAX_SOCKET_PATH = 107;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ANY_UUID = '00000000-0000-0000-0000-000000000000';

/** Where one guest's files are. */
export interface GuestPaths {
  id: string;
  /** Kept as long as the guest is defined. */
  stateDir: string;
  record: string;
  serialLog: string;
  /** What cloud-init in the guest is told. */
  seed: string;
  /** What QEMU itself wrote since the last start. */
  qemuLog: string;
  /** There only while the guest runs; shared with the host's other sub-agents. */
  runDir: string;
  /** The number of a QEMU that is up. */
  pid: string;
  /** When that process was started, in the clock ticks of proc(5): the number alone may be another's by now. */
  started: string;
  /** QEMU's own directory, the only one in which it can make and remove anything. */
  upDir: string;
  /** A socket that QEMU removes when it ends by itself, and leaves behind when it is killed. */
  upMark: string;
  qmp: string;
  /** A second monitor: a QMP socket serves one client at a time. */
  qmpStorage: string;
  guestAgent: string;
  serial: string;
  /** VNC without a password, for whoever may open this socket. */
  vnc: string;
  vncPassword: string;
  /** There while the guest is off, when it has shut itself down: for the host's other sub-agents. */
  halted: string;
}

export interface Layout {
  /** One directory for each guest that is defined. */
  guestsDir: string;
  /** Where disks may lie. */
  diskDirs: string[];
  /** @throws when `id` is not a UUID: it becomes part of paths */
  paths: (id: string) => GuestPaths;
}

export interface LayoutOptions {
  dir: string;
  runDir: string;
  diskDir?: string[];
}

/**
 * The directories of the sub-agent.
 * @throws when the run directory is too long a path for the unix sockets in it
 */
export const createLayout = (options: LayoutOptions): Layout => {
  const dir = resolve(options.dir);
  const root = resolve(options.runDir);
  const guestsDir = join(dir, 'guests');
  const paths = (id: string): GuestPaths => {
    if (!UUID.test(id)) throw new Error(`guest ${id}: the id is not a UUID in lower case`);
    const stateDir = join(guestsDir, id);
    const runDir = join(root, id);
    const upDir = join(runDir, 'up');
    return {
      id,
      stateDir,
      record: join(stateDir, 'guest.json'),
      serialLog: join(stateDir, 'serial.log'),
      seed: join(stateDir, 'seed.iso'),
      qemuLog: join(stateDir, 'qemu.log'),
      runDir,
      pid: join(runDir, 'pid'),
      started: join(runDir, 'started'),
      upDir,
      upMark: join(upDir, 'sock'),
      qmp: join(runDir, 'qmp.sock'),
      qmpStorage: join(runDir, 'qmp-storage.sock'),
      guestAgent: join(runDir, 'qga.sock'),
      serial: join(runDir, 'serial.sock'),
      vnc: join(runDir, 'vnc.sock'),
      vncPassword: join(runDir, 'vnc-password'),
      halted: `${runDir}.halted`,
    };
  };
  const excess = Buffer.byteLength(paths(ANY_UUID).qmpStorage) - MAX_SOCKET_PATH;
  if (excess > 0) {
    throw new Error(
      `the run directory ${root} is ${excess} bytes too long for the unix sockets in it: choose a shorter one with --run-dir`,
    );
  }
  const diskDirs = options.diskDir?.length
    ? options.diskDir.map((path) => resolve(path))
    : [join(dirname(dir), 'storage', 'guests')];
  return { guestsDir, diskDirs, paths };
};
