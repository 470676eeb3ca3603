import type { FileHandle } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { Nic } from '../../../model/guest.js';
import type { ChildExit } from '../../../process/child-exit.js';
import type { QmpClient } from '../../../qmp/client.js';
import type { Space } from '../../shared/disk/space.js';
import { clearHalted } from '../../shared/guest-run-dir.js';
import type { GuestClaims } from '../../shared/host/guest-claims.js';
import type { Networks } from '../../shared/network/networks.js';
import type { SwitchPorts } from '../../shared/network/switch-ports.js';
import { createTaps, removeOldTaps, removeTaps } from '../../shared/network/taps.js';
import { requireNotMarked } from '../../shared/rollback-mark.js';
import type { OpenedFirmware } from '../firmware/arguments.js';
import { exchangeNvram } from '../firmware/exchange-nvram.js';
import type { Firmware } from '../firmware/firmware.js';
import { prepareNvram } from '../firmware/nvram.js';
import type { GuestPaths, Layout } from '../layout.js';
import { deviceGroups } from '../machine/accel.js';
import { type CommandLineOptions, commandLine } from '../machine/command-line.js';
import { locateDisks } from '../machine/disks.js';
import type { MachineIdentity } from '../machine/identity.js';
import { type NicArguments, nicArguments, unpluggedNics } from '../machine/nic-devices.js';
import type { QemuProgram } from '../machine/program.js';
import { findSeed, prepareSeed } from '../machine/seed/disk.js';
import { openGuestFiles, ownedBy } from '../process/guest-files.js';
import { PassedFiles } from '../process/passed-files.js';
import { killQemu } from '../process/process.js';
import { startProcess } from '../process/start-process.js';
import type { UidPool } from '../process/uids.js';
import { setVncPassword } from '../process/vnc-password.js';
import { LoadError } from '../saved-memory/load.js';
import { tpmPaths } from '../tpm/paths.js';
import { prepareTpmState } from '../tpm/state-dir.js';
import { endSwtpm, startSwtpm } from '../tpm/swtpm.js';
import type { SharedRam } from '../warm/shared-ram.js';
import type { Capacity } from './capacity.js';
import { findGeneration } from './generation.js';
import { guestDirs } from './guest-dirs.js';
import type { GuestRecord } from './records.js';
import { lockRunDir, makeRunDir, recordPid, removeRunDir } from './run-dir.js';

/** A started QEMU. */
export interface Launched {
  /** Its end, as a child of this process. */
  exit: Promise<ChildExit>;
}

const KILL_WAIT_MS = 20_000;

/** The parts of the host that all its guests share. */
export interface Host {
  capacity: Capacity;
  layout: Layout;
  program: QemuProgram;
  networks: Networks;
  ports: SwitchPorts;
  /** `undefined` when the sub-agent is not root: guests then run as the sub-agent's user. */
  uids: UidPool | undefined;
  claims: GuestClaims;
  firmware: Firmware;
  sharedRam: SharedRam;
  /** The room for the memory of templates. */
  space: Space;
}

/**
 * Removes what exists on the host only while a guest runs: its taps and its run directory.
 * @param nics the NICs of its record
 */
export const removeRunResources = async (
  host: Host,
  paths: GuestPaths,
  nics: readonly Nic[],
): Promise<void> => {
  await removeTaps(paths.id, nics, host.ports);
  await endSwtpm(tpmPaths(paths));
  await removeRunDir(paths);
};

/**
 * Kills a guest's QEMU, if it has one, and waits until the process is gone.
 * @throws when the process outlives SIGKILL, which the kernel allows while it waits for a device
 */
export const killAndWait = async (paths: GuestPaths): Promise<void> => {
  if (!(await killQemu(paths, KILL_WAIT_MS))) {
    throw new Error(
      `guest ${paths.id}: its QEMU did not exit within ${KILL_WAIT_MS / 1000} s of SIGKILL: ${paths.pid} has its process id`,
    );
  }
};

/** A guest's memory, which its QEMU loads. */
export interface LoadedMemory {
  /** The file of it, or of the state of the guest's devices if `ram` has the memory. */
  state: string;
  /** The memory of the template that the guest resumes with. The NICs, which the template lacks, are plugged in. */
  ram?: FileHandle;
  /** Called before the guest runs with it and its disks change. */
  markUsed: () => Promise<void>;
}

interface ReleaseOptions {
  uid: number | undefined;
  /** The NICs that QEMU was started without. */
  plugged: readonly NicArguments[];
  unplugged: readonly string[];
  memory?: LoadedMemory | undefined;
}

/** Lets the guest's vCPUs run, once its QEMU can no longer be interfered with. */
const release = async (
  qmp: QmpClient,
  pid: number,
  paths: GuestPaths,
  { uid, plugged, unplugged, memory }: ReleaseOptions,
): Promise<void> => {
  try {
    await lockRunDir(paths, uid);
    await setVncPassword(qmp, paths);
    for (const { netdev: backend, device } of plugged) {
      await qmp.execute('netdev_add', backend);
      await qmp.execute('device_add', device);
    }
    for (const name of unplugged) await qmp.execute('set_link', { name, up: false });
    // The memory of a template is not lost with this QEMU, and no second start may use it with disks that have changed.
    if (memory?.ram) await memory.markUsed();
    // A sub-agent that finds this QEMU lets it be from now on: killed, the guest would lose its memory.
    if (memory) await recordPid(paths, pid);
    if (memory && !memory.ram) await memory.markUsed();
    await qmp.execute('cont');
    if (!memory) await recordPid(paths, pid);
  } finally {
    qmp.close();
  }
};

/** @throws {Refusal} when the host lacks the firmware, or the guest's variables do not fit it */
const prepareFirmware = async (
  host: Host,
  machine: MachineIdentity,
  dirs: readonly string[],
): Promise<OpenedFirmware | undefined> => {
  const files = await host.firmware.find(machine);
  if (!files) return undefined;
  const { secureBoot = false } = machine;
  // A crash may have come between the exchange of the variables and its record.
  await exchangeNvram(dirs, secureBoot, secureBoot);
  return { code: files.code, nvram: await prepareNvram(dirs, files) };
};

const start = async (
  host: Host,
  { definition, uid, tpmUid, seedRevision }: GuestRecord,
  paths: GuestPaths,
  {
    images,
    media,
    memory,
    ram = memory?.ram,
    ...options
  }: Pick<CommandLineOptions, 'machine' | 'images' | 'media' | 'switches' | 'nicModels' | 'sandbox'> &
    Pick<Hardware, 'memory' | 'ram'>,
): Promise<Launched> => {
  await makeRunDir(paths, uid);
  const seed =
    memory && !ram
      ? await findSeed(paths)
      : await prepareSeed(definition, paths, seedRevision, options.machine.nics);
  await createTaps(definition.id, definition.nics, options.switches, host.ports, uid);
  const files = new PassedFiles();
  try {
    const { id, disks } = definition;
    const dirs = await guestDirs({ id, disks, diskDirs: host.layout.diskDirs, stateDir: paths.stateDir });
    const firmware = await prepareFirmware(host, options.machine, dirs);
    const generation = await findGeneration(dirs);
    if (options.machine.tpm)
      await startSwtpm(tpmPaths(paths), await prepareTpmState(dirs, tpmUid), { uid: tpmUid, gid: uid });
    const opened = await openGuestFiles(files, images, paths, { media, seed, firmware, uid });
    const { accel } = host.program;
    if (ram && !memory) await ownedBy(uid)(ram);
    const shared = ram && { path: `/proc/self/fd/${files.nextFd}`, share: !memory };
    const isPlugged = memory?.ram !== undefined;
    const args = commandLine(isPlugged ? { ...definition, nics: [] } : definition, paths, {
      ...{ ...options, ...opened, generation, accel },
      ram: shared,
    });
    const user = { uid, groups: await deviceGroups(accel) };
    const incoming = memory ? ['-incoming', ram ? 'defer' : `fd:${files.nextFd}`] : [];
    const command = [host.program.path, ...files.args, ...args, ...incoming];
    const loading = { state: memory?.state, ram };
    const { pid, qmp, exit } = await startProcess(command, user, paths, files, loading).catch((error) => {
      if (error instanceof LoadError) throw error;
      throw new Error(`QEMU did not start guest ${definition.id}: ${errorMessage(error)}`, { cause: error });
    });
    const plugged = isPlugged ? nicArguments(definition.nics, options) : [];
    const unplugged = unpluggedNics(definition.nics, options.machine.nics);
    await release(qmp, pid, paths, { uid, plugged, unplugged, memory });
    return { exit };
  } finally {
    await files.close();
  }
};

interface Hardware extends Pick<CommandLineOptions, 'machine' | 'media'> {
  memory?: LoadedMemory | undefined;
  /** The file that a template's memory goes into while it is being warmed. */
  ram?: FileHandle | undefined;
}

/**
 * Starts a guest's QEMU and returns once it runs.
 * @throws with QEMU's own message, {LoadError} when it does not load the memory; no process, tap or run directory is left then
 */
export const launch = async (
  host: Host,
  record: GuestRecord,
  hardware: Hardware,
  paths: GuestPaths,
): Promise<Launched> => {
  const { id, disks, nics } = record.definition;
  const [images, nicModels, sandbox, switches] = await Promise.all([
    locateDisks(id, disks, host.layout.diskDirs),
    host.program.nicModels(),
    host.program.sandbox(),
    host.networks.resolve(nics),
  ]);
  await requireNotMarked(
    id,
    disks.map(({ source }) => source),
  );
  // An interrupted start may have left a QEMU. Its guest never ran, so its taps can go at the same time.
  await Promise.all([killAndWait(paths), removeOldTaps(id, nics, host.ports)]);
  await endSwtpm(tpmPaths(paths));
  await removeRunDir(paths);
  await clearHalted(paths);
  try {
    return await start(host, record, paths, { ...hardware, images, nicModels, sandbox, switches });
  } catch (error) {
    await killAndWait(paths);
    await removeRunResources(host, paths, nics);
    throw error;
  }
};
