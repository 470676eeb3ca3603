import { mkdir, rm } from 'node:fs/promises';
import { execa } from 'execa';
import type { Accel } from './accel.js';
import { commandLine } from './command-line.js';
import type { Definition } from './definition.js';
import { locateDisks } from './disks.js';
import type { GuestPaths, Layout } from './layout.js';
import type { Networks } from './network/networks.js';
import { createTaps, removeTaps } from './network/taps.js';
import { exited, killQemu } from './process.js';
import { type QemuProgram, qemuComplaint } from './program.js';
import { prepareSeed } from './seed/disk.js';

const START_TIMEOUT_MS = 60_000;
const KILL_WAIT_MS = 20_000;

/** What all guests of this host share. */
export interface Host {
  layout: Layout;
  program: QemuProgram;
  accel: Accel;
  networks: Networks;
}

/**
 * Whether a guest could be started as the host is now; nothing is changed.
 * @throws when a disk or a bridge is not there, or a bridge cannot do what a nic asks for
 */
export const checkHost = async (host: Host, definition: Definition): Promise<void> => {
  await locateDisks(definition.id, definition.disks, host.layout.diskDirs);
  await host.networks.resolve(definition.nics);
};

/** Removes what a guest has on the host only while it runs: its taps and its run directory. */
export const clearRun = async (host: Host, id: string, paths: GuestPaths): Promise<void> => {
  await removeTaps(id, host.networks);
  await rm(paths.runDir, { recursive: true, force: true });
};

/** Ends a guest's QEMU at once, if there is one, and waits until it is gone. */
export const killAndWait = async (id: string, paths: GuestPaths): Promise<void> => {
  await killQemu(paths.pid);
  if (!(await exited(paths.pid, KILL_WAIT_MS))) {
    throw new Error(
      `guest ${id}: its QEMU did not end ${KILL_WAIT_MS / 1000} s after SIGKILL: see ${paths.pid}`,
    );
  }
};

/**
 * Starts a guest's QEMU, which is up when this returns.
 * @throws with what QEMU says; no process, tap or run directory is left then
 */
export const launch = async (host: Host, definition: Definition, paths: GuestPaths): Promise<void> => {
  const { id } = definition;
  const [images, nicModels, sandbox, switches] = await Promise.all([
    locateDisks(id, definition.disks, host.layout.diskDirs),
    host.program.nicModels(),
    host.program.sandbox(),
    host.networks.resolve(definition.nics),
  ]);
  await clearRun(host, id, paths);
  try {
    await mkdir(paths.runDir, { recursive: true, mode: 0o700 });
    const seed = await prepareSeed(definition, paths);
    await createTaps(id, definition.nics, switches);
    const options = { accel: host.accel, sandbox, nicModels, images, switches, ...(seed ? { seed } : {}) };
    const args = commandLine(definition, paths, options);
    await execa(host.program.path, args, { stdin: 'ignore', timeout: START_TIMEOUT_MS }).catch((error) => {
      throw new Error(`QEMU did not start guest ${id}: ${qemuComplaint(error)}`, { cause: error });
    });
  } catch (error) {
    await killAndWait(id, paths);
    await clearRun(host, id, paths);
    throw error;
  }
};
