import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { excessOfSocketPath } from '../../rpc/protocol/service-address.js';

/** The id of QEMU's character device for the guest agent, which `query-chardev` reports as its label. */
export const GUEST_AGENT_CHARDEV = 'qga0';

/** The name of the block node through which QEMU opens a guest's disk. */
export const diskNodeName = (number: number): string => `disk${number}`;

/** The files of a guest that both the qemu and the storage sub-agent use: docs/qemu.md, "Files". */
export interface SharedGuestPaths {
  /** Exists only while the guest runs. */
  runDir: string;
  /** The storage sub-agent's QMP socket. It has one of its own because a QMP socket serves one client at a time. */
  qmpStorage: string;
  /** The socket of the guest agent's virtio-serial port. */
  guestAgent: string;
  /** Exists while the guest is off after it shut itself down: its disks are as the guest left them. */
  halted: string;
  /** A directory of the storage sub-agent's while it backs the guest up. */
  backupDir: string;
  /** Exists while the storage sub-agent halts the guest for a moment, to capture its disks: the guest counts as running. */
  halting: string;
}

/** @param root the directory that all guests' run directories are in */
export const sharedGuestPaths = (root: string, guest: string): SharedGuestPaths => {
  const runDir = join(root, guest);
  return {
    runDir,
    qmpStorage: join(runDir, 'qmp-storage.sock'),
    guestAgent: join(runDir, 'qga.sock'),
    halted: `${runDir}.halted`,
    backupDir: `${runDir}.backup`,
    halting: join(`${runDir}.backup`, 'halting'),
  };
};

type HaltMark = Pick<SharedGuestPaths, 'halted'>;

export const markHalted = ({ halted }: HaltMark): Promise<void> => writeFile(halted, '', { mode: 0o600 });

export const hasHalted = ({ halted }: HaltMark): Promise<boolean> =>
  access(halted).then(
    () => true,
    () => false,
  );

/** Removes the mark, because the guest's disks change, or are about to. */
export const clearHalted = ({ halted }: HaltMark): Promise<void> => rm(halted, { force: true });

const ANY_GUEST = '00000000-0000-0000-0000-000000000000';

/** @throws when the path `root` is too long for the sockets under it: unix(7) */
export const assertSocketsFit = (root: string): void => {
  // The longest of a guest's socket names.
  const excess = excessOfSocketPath(sharedGuestPaths(root, ANY_GUEST).qmpStorage);
  if (excess === 0) return;
  throw new Error(
    `the run directory ${root} is ${excess} bytes too long for the unix sockets in it: choose a shorter --run-dir`,
  );
};
