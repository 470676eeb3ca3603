import { randomUUID } from 'node:crypto';
import { type Devices, EARLIER_DEVICES, NEW_DEVICES } from '../../../model/devices.js';
import type { Guest } from '../../../model/guest.js';
import type { GuestSize } from '../../../model/guest-size.js';
import { recordedOptions } from '../../../model/hardware-options.js';
import type { Machine, MachineChange, MachineSpec } from '../../../model/machine.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Accel } from './accel.js';
import type { Capabilities } from './capabilities.js';
import type { NicEntries } from './nic-entry.js';

/**
 * The arrangements of a guest's devices. A guest keeps its own for good: another one may rename its NICs and disks.
 * - 1: guests of the versions that recorded no layout;
 * - 2: adds root ports for hot-plugged devices, a SCSI controller and an empty CD drive; fixes the number of queues.
 */
const NEWEST_LAYOUT = 2;

/** A guest's virtual hardware, which stays the same whatever QEMU the host has. */
export interface MachineIdentity extends Machine {
  cpuModel: string;
  /** The root port of each device that is on one, by the device's id. */
  ports: Record<string, number>;
  /** The position in its row of each disk that is on no root port; absent until a device is added or removed. */
  rows?: Record<string, number>;
  /** The bus of the cloud-init seed; absent until a device is added or removed. */
  seedBus?: string;
  /** The numbers of its NICs; absent until one is added, changed or removed. */
  nics?: NicEntries;
  /** The number of its CD drives; 1 when absent. Those of layout 1 have none. */
  cdDrives?: number;
  /** The disks and CD drives that it boots from first: see `bootIndex`. */
  bootOrder?: string[];
  /** Absent in guests of the versions that recorded none. */
  devices?: Devices;
  /** The generation ID of a guest that was never rolled back: a random GUID. */
  generation?: string;
}

/** All features of the accelerator on this host: not the same on every host. */
const defaultCpuModel = (accel: Accel): string => (accel === 'kvm' ? 'host' : 'max');

/** `host` needs KVM; without it, `max` stands for the same: all that the host can give. */
const effectiveCpuModel = (cpuModel: string, accel: Accel): string =>
  cpuModel === 'host' ? defaultCpuModel(accel) : cpuModel;

/** CPU models that stand for whatever the host can give, so that none of their features can be missing. */
const OPEN_MODELS: ReadonlySet<string> = new Set(['host', 'max']);

/** Builds the value of `-cpu`. A model of a fixed set of features must have them all. */
export const cpuOption = ({ cpuModel }: MachineIdentity, accel: Accel): string => {
  const model = effectiveCpuModel(cpuModel, accel);
  return OPEN_MODELS.has(model) ? model : `${model},enforce`;
};

/** QEMU's default since machine type 6.2: one socket, and a core for each vCPU. */
const TOPOLOGY = { sockets: 1, threads: 1 };

/** Builds the value of `-smp`. vCPUs that can be added later are cores, too. */
export const smpOption = (
  { sockets, threads }: MachineIdentity,
  { cpu, maxCpu = cpu }: Pick<GuestSize, 'cpu' | 'maxCpu'>,
): string =>
  `${cpu},sockets=${sockets},cores=${maxCpu / sockets / threads},threads=${threads},maxcpus=${maxCpu}`;

/** The hardware of a guest of a version that recorded none. */
export const earlierMachine = (type: string, accel: Accel): MachineIdentity => ({
  type,
  cpuModel: defaultCpuModel(accel),
  layout: 1,
  firmware: 'bios',
  ...TOPOLOGY,
  ports: {},
});

const typeProblem = ({ machines, newest, version }: Capabilities, type: string): string | undefined =>
  machines.has(type)
    ? undefined
    : `QEMU ${version} on this host has no machine type ${type} (its newest is ${newest})`;

const cpuProblem = ({ cpuModels, version }: Capabilities, model: string): string | undefined => {
  if (OPEN_MODELS.has(model)) return undefined;
  const found = cpuModels.get(model);
  if (!found) return `QEMU ${version} on this host has no CPU model ${model}`;
  if (found.missing.length === 0) return undefined;
  return `this host cannot give CPU model ${model} its features ${found.missing.join(', ')}`;
};

const requireType = (type: string, capabilities: Capabilities): void => {
  const problem = typeProblem(capabilities, type);
  if (problem !== undefined) throw new Refusal('invalid', problem);
};

/** @throws {Refusal} `invalid` when this host cannot give the model */
export const requireCpuModel = (model: string, capabilities: Capabilities, accel: Accel): void => {
  const problem = cpuProblem(capabilities, effectiveCpuModel(model, accel));
  if (problem !== undefined) throw new Refusal('invalid', problem);
};

/** Secure Boot implies UEFI. */
const newFirmware = ({
  secureBoot = false,
  firmware = secureBoot ? 'uefi' : 'bios',
  tpm = false,
  networkBoot = false,
}: MachineSpec): Pick<Machine, 'firmware' | 'secureBoot' | 'tpm' | 'networkBoot'> => {
  if (secureBoot && firmware !== 'uefi')
    throw new Refusal('invalid', '"machine.secureBoot" needs "machine.firmware": "uefi"');
  return recordedOptions({ firmware, secureBoot, tpm, networkBoot });
};

/** A guest that brings its machine type gets only the devices that it brings, too. */
const newDevices = ({
  machine,
  devices,
}: Pick<Guest, 'machine' | 'devices'>): Pick<MachineIdentity, 'devices' | 'generation'> => {
  const isBrought = machine?.type !== undefined;
  if (isBrought && !devices) return {};
  const all = { ...(isBrought ? EARLIER_DEVICES : NEW_DEVICES), ...devices };
  return { devices: all, ...(all.vmgenid ? { generation: randomUUID() } : {}) };
};

/**
 * Fixes the hardware of a new guest. A guest that brings its own (`machine`), from another host or a backup, keeps it.
 * @throws {Refusal} `invalid` when this host cannot give it
 */
export const newMachine = (
  guest: Pick<Guest, 'cpuModel' | 'machine' | 'devices' | 'cdroms' | 'bootOrder'>,
  capabilities: Capabilities,
  accel: Accel,
): MachineIdentity => {
  const { cpuModel, cdroms = [], bootOrder, machine: wish = {} } = guest;
  const { type = capabilities.newest, layout = NEWEST_LAYOUT } = wish;
  requireType(type, capabilities);
  if (cpuModel) requireCpuModel(cpuModel, capabilities, accel);
  return {
    ...{ type, layout },
    ...newFirmware(wish),
    ...TOPOLOGY,
    cpuModel: cpuModel || defaultCpuModel(accel),
    ports: {},
    ...(cdroms.length > 1 ? { cdDrives: cdroms.length } : {}),
    ...(bootOrder ? { bootOrder } : {}),
    ...newDevices(guest),
  };
};

/**
 * Returns the hardware that an upgrade moves a guest on to: what the wish names, and the rest as it is. Without a wish,
 * that is the newest machine type. Another machine type brings the newest layout.
 * @throws {Refusal} `invalid` when this host cannot give it
 */
export const upgradedMachine = (
  current: Pick<MachineIdentity, 'type' | 'layout' | 'cpuModel'>,
  wish: { type?: string | undefined; cpuModel?: string | undefined },
  capabilities: Capabilities,
  accel: Accel,
): MachineChange => {
  const isOpen = wish.type === undefined && wish.cpuModel === undefined;
  const type = wish.type ?? (isOpen ? capabilities.newest : current.type);
  const layout = isOpen || type !== current.type ? NEWEST_LAYOUT : current.layout;
  const next = { type, layout, cpuModel: wish.cpuModel ?? current.cpuModel };
  // To keep all is always possible: it cancels an upgrade that waits.
  const keepsAll = layout === current.layout && type === current.type && next.cpuModel === current.cpuModel;
  if (keepsAll) return next;
  requireType(next.type, capabilities);
  requireCpuModel(next.cpuModel, capabilities, accel);
  return next;
};

const WAY_OUT = 'upgrade its virtual hardware with "mistify guest upgrade-machine"';

const layoutProblem = (layout: number): string | undefined =>
  layout <= NEWEST_LAYOUT
    ? undefined
    : `its devices are arranged as by a newer version of the agent (layout ${layout}, this version knows ${NEWEST_LAYOUT})`;

/** Returns why a guest cannot start on this host, with the way out; `undefined` when it can. */
export const machineProblem = (
  { type, cpuModel, layout }: Pick<MachineIdentity, 'type' | 'cpuModel' | 'layout'>,
  capabilities: Capabilities,
  accel: Accel,
): string | undefined => {
  const newer = layoutProblem(layout);
  if (newer !== undefined) return `${newer}; install that version again`;
  const problem =
    typeProblem(capabilities, type) ?? cpuProblem(capabilities, effectiveCpuModel(cpuModel, accel));
  if (problem === undefined) return undefined;
  return `${problem}; ${WAY_OUT}`;
};

/** Warns while there is time: of what this QEMU lacks, and of what a later one will. */
export const machineWarnings = (
  machine: MachineIdentity,
  capabilities: Capabilities,
  accel: Accel,
): string[] => {
  const change = machine.next ?? machine;
  const problem = machineProblem(change, capabilities, accel);
  if (problem !== undefined) return [`the next start of the guest will fail: ${problem}`];
  const { machines, cpuModels, version } = capabilities;
  const outdated = [
    ...(machines.get(change.type)?.deprecated ? [`machine type ${change.type}`] : []),
    ...(cpuModels.get(change.cpuModel)?.deprecated ? [`CPU model ${change.cpuModel}`] : []),
  ];
  return outdated.map(
    (what) =>
      `${what} is deprecated in QEMU ${version}, and a later QEMU will not start the guest: ${WAY_OUT} before that`,
  );
};

/** Characters that need no escaping in a QEMU option; distributions have names such as `pc-q35-rhel9.4.0`. */
const MACHINE_TYPE = /^(?<type>pc-q35-[a-z0-9.-]{1,50})-machine$/;

/**
 * Reads the machine type from the QOM type of a running machine; `undefined` when it is not one. Distrusts it: a guest
 * that took over its QEMU can report any text.
 */
export const machineTypeOf = (qomType: unknown): string | undefined =>
  MACHINE_TYPE.exec(String(qomType))?.groups?.type;
