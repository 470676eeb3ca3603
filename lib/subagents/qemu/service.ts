import { mkdir } from 'node:fs/promises';
import { errorMessage } from '../../errors.js';
import { lockDirectory } from '../../files/directory-lock.js';
import { requireKnownFile } from '../../files/state-file.js';
import type { Logger } from '../../log.js';
import type { UidRange } from '../../process/guest-uids.js';
import { isRoot } from '../../process/unprivileged.js';
import { logsRequestSchema } from '../../rpc/protocol/logs-messages.js';
import { GuestStates } from '../../rpc/server/guest-states.js';
import { Problems } from '../../rpc/server/problems.js';
import { Programs } from '../../rpc/server/programs.js';
import { SubAgent } from '../../rpc/server/sub-agent.js';
import { Space } from '../shared/disk/space.js';
import { GuestClaims } from '../shared/host/guest-claims.js';
import { HostRegistry } from '../shared/host/registry.js';
import { DNSMASQ_LEASES } from '../shared/network/known-addresses.js';
import { createNetworks } from '../shared/network/networks.js';
import { SwitchPorts } from '../shared/network/switch-ports.js';
import type { Running } from '../shared/run.js';
import { addCheckpointMethods } from './checkpoint/methods.js';
import { openLogs } from './console/logs.js';
import { openSerial } from './console/serial.js';
import { SerialLines } from './console/serial-lines.js';
import { openVnc } from './console/vnc.js';
import { Firmware } from './firmware/firmware.js';
import { addAgentMethods } from './guest-agent/methods.js';
import { Capacity, type CapacityLimits } from './guests/capacity.js';
import { Guests } from './guests/guests.js';
import { resumeReboots } from './guests/reboot.js';
import { type GuestRecord, loadRecords } from './guests/records.js';
import { createLayout, type LayoutOptions } from './layout.js';
import { type AccelChoice, chooseAccel } from './machine/accel.js';
import { QemuProgram } from './machine/program.js';
import { addMethods, addNetworks } from './methods.js';
import { claimUids } from './process/uid-claim.js';
import { UidPool } from './process/uids.js';
import { recoverMemory } from './saved-memory/recover.js';
import { completeResumes } from './warm/settle.js';
import { SharedRam } from './warm/shared-ram.js';
import { recoverWarm, WarmUpkeep } from './warm/upkeep.js';

/** How soon guests are warned after QEMU's package was upgraded. */
const REVIEW_MS = 60_000;

export interface QemuOptions extends LayoutOptions, CapacityLimits {
  accel: AccelChoice;
  qemu: string;
  /** The users that guests' QEMUs run as, used only by root; by default a range that no other agent has. */
  uidRange?: UidRange;
  /** The directory of what the agents of this host have claimed. */
  hostDir: string;
  /** The directories of firmware descriptors; the standard ones by default, others in tests. */
  firmwareDirs?: readonly string[];
  /** The address of Open vSwitch's database; the system's by default. */
  ovsDb?: string;
  /** The files of dnsmasq's leases; by default the one of Debian's. */
  leaseFile?: string[];
}

/** Without root every guest runs as the sub-agent's own user, so there is no pool then. */
const createUidPool = async (
  { uidRange }: QemuOptions,
  registry: HostRegistry,
  records: readonly GuestRecord[],
  log: Logger,
): Promise<UidPool | undefined> => {
  if (isRoot()) {
    const recorded = records.flatMap(({ uid }) => uid ?? []);
    return new UidPool(await claimUids(registry, uidRange, recorded));
  }
  log.warn('sub-agent is not root: guests run as its user and are not isolated from each other');
  return undefined;
};

const warnWithoutSandbox = async (program: QemuProgram, log: Logger): Promise<void> => {
  try {
    if (!(await program.sandbox()))
      log.warn('sandbox unavailable in this QEMU or kernel: guests run without seccomp');
  } catch (error) {
    log.warn({ err: error }, `QEMU does not work, no guest can start: ${errorMessage(error)}`);
  }
};

const addConsoles = (subAgent: SubAgent, guests: Guests): void => {
  const lines = new SerialLines();
  subAgent
    .console('/console/serial', ({ guest, scrollback }) => ({
      bytes: openSerial(guests.get(guest).paths, lines, scrollback),
    }))
    .console('/console/vnc', async ({ guest }) => ({ bytes: await openVnc(guests.get(guest).paths) }))
    .stream('/logs', logsRequestSchema, async (request, { signal }) =>
      openLogs(guests.get(request.guest).paths, request, signal),
    );
};

/** Creates the sub-agent and finds the guests of an earlier one. It does not listen yet. */
export const startQemu = async (options: QemuOptions, log: Logger): Promise<Running> => {
  const layout = createLayout(options);
  let records: GuestRecord[] = [];
  const registry = await HostRegistry.open(options.hostDir, 'qemu', layout.dir, async () => {
    await requireKnownFile(layout.switchPorts);
    records = await loadRecords(layout, log);
  });
  await mkdir(layout.guestsDir, { recursive: true, mode: 0o700 });
  await mkdir(layout.runRoot, { recursive: true, mode: 0o700 });
  const runLock = await lockDirectory(layout.runRoot, 'qemu sub-agent', '--run-dir');
  const accel = await chooseAccel(options.accel);
  const program = new QemuProgram(options.qemu, accel);
  log.info({ accel, diskDirs: layout.diskDirs }, 'accelerator chosen');
  const guestStates = new GuestStates();
  const networks = createNetworks(options.ovsDb);
  // Probed now so that the first start need not wait; an error is reported by that start.
  program.nicModels().catch(() => undefined);
  const programs = new Programs();
  const noteVersion = (): Promise<void> =>
    program.capabilities().then(
      ({ version }) => programs.replace([{ name: 'QEMU', version, accelerator: accel }]),
      () => programs.replace([]),
    );
  void noteVersion();
  await warnWithoutSandbox(program, log);
  const uids = await createUidPool(options, registry, records, log);
  const problems = new Problems();
  const ports = new SwitchPorts({
    ...{ networks, problems, log },
    file: layout.switchPorts,
    onChange: (id) => guests.showPorts(id),
  });
  const claims = new GuestClaims(registry);
  const firmware = new Firmware(log, options.firmwareDirs);
  const capacity = new Capacity(options);
  const host = {
    ...{ layout, program, networks, ports, uids, claims, firmware },
    ...{ capacity, sharedRam: new SharedRam(capacity), space: new Space(layout.guestsDir) },
  };
  const guests: Guests = new Guests(host, guestStates, log);
  await ports.load();
  await guests.recover(records);
  await recoverMemory(guests, log);
  await recoverWarm(guests, log);
  const upkeep = new WarmUpkeep(guests, log);
  resumeReboots(guests, log);
  completeResumes(guests, log);
  const subAgent = new SubAgent({
    ...{ name: 'qemu', log, guestStates, problems, programs },
    check: () => program.check(),
  });
  addMethods(subAgent, guests);
  addCheckpointMethods(subAgent, guests);
  addNetworks(subAgent, networks);
  addAgentMethods(subAgent, guests, { leaseFiles: options.leaseFile ?? [DNSMASQ_LEASES], log });
  addConsoles(subAgent, guests);
  const review = async (): Promise<void> => {
    await guests.review();
    await upkeep.review();
    await noteVersion();
  };
  const reviews = setInterval(() => void review(), REVIEW_MS);
  const close = async (): Promise<void> => {
    clearInterval(reviews);
    upkeep.close();
    guests.close();
    await host.sharedRam.close();
    ports.close();
    await runLock.release();
    await registry.close();
  };
  return { subAgent, close };
};
