import { relative } from 'node:path';
import type { Nic } from '../../../model/guest.js';
import { GUEST_AGENT_CHARDEV } from '../../shared/guest-run-dir.js';
import type { Switch } from '../../shared/network/switch.js';
import { machineArgs, type OpenedFirmware } from '../firmware/arguments.js';
import type { GuestPaths } from '../layout.js';
import type { Accel } from './accel.js';
import type { Definition } from './definition.js';
import { device, escapeCommas, pciAddress, SLOT } from './device-options.js';
import { diskArgs } from './disk-arguments.js';
import type { DiskImage } from './disks.js';
import { type DriveMedium, driveArgs } from './drives.js';
import { cpuOption, type MachineIdentity, smpOption } from './identity.js';
import { memoryArgs, type RamFile, ramFileArgs } from './memory-arguments.js';
import { nicArguments } from './nic-devices.js';
import { numberNics } from './nic-numbers.js';
import { nicGaps } from './nic-places.js';
import { optionalDevices, videoArgs } from './optional-devices.js';
import { SANDBOX } from './program.js';
import { spareDevices } from './spare-devices.js';

/** The highest display that QEMU tries; display N is TCP port 5900 + N. */
const MAX_VNC_DISPLAY = 999;

const socketChardev = (id: string, path: string): string => `socket,id=${id},path=${path},server=on,wait=off`;

const monitor = (id: string, path: string): string[] => [
  ...['-chardev', socketChardev(id, path)],
  // Not -mon, which QEMU 11.1 calls deprecated; 7.2 has no -object monitor-qmp.
  ...['-qmp', `chardev:${id}`],
];

const nicArgs = (nics: readonly Nic[], options: CommandLineOptions): string[] => {
  const { machine } = options;
  const args = nicArguments(nics, options).flatMap(({ netdev, device: { driver, ...properties } }) => [
    ...['-netdev', JSON.stringify(netdev)],
    ...device(driver, properties),
  ]);
  return [...nicGaps(machine, numberNics(nics, machine.nics)), ...args];
};

export interface CommandLineOptions {
  machine: MachineIdentity;
  accel: Accel;
  sandbox: boolean;
  nicModels: readonly string[];
  images: readonly DiskImage[];
  /** The ISO images in CD drives. */
  media: readonly DriveMedium[];
  /** One for each NIC, from `Networks.resolve`. */
  switches: readonly (Switch | undefined)[];
  /** The UEFI firmware; a guest without has BIOS. */
  firmware?: OpenedFirmware | undefined;
  /** The generation ID of a guest that was rolled back. */
  generation?: string | undefined;
  /** The file that holds the guest's memory; without one, QEMU allocates it. */
  ram?: RamFile | undefined;
  /** The path of the guest's cloud-init seed. */
  seed?: string;
  /** The file that QEMU appends the serial console's output to. */
  serialLog: string;
}

/**
 * Builds the arguments of qemu-system-x86_64(1) for a guest. Socket paths are relative to the run directory, in which
 * QEMU must start: it may not traverse the directories above. The vCPUs wait for QMP `cont` (`-S`).
 */
export const commandLine = (
  definition: Definition,
  paths: GuestPaths,
  options: CommandLineOptions,
): string[] => {
  const { machine } = options;
  const inRunDir = (path: string): string => relative(paths.runDir, path);
  return [
    ...['-name', `guest=${definition.id},debug-threads=on`],
    ...['-uuid', definition.id],
    ...['-nodefaults', '-no-user-config', '-S'],
    ...(options.sandbox ? ['-sandbox', SANDBOX] : []),
    ...machineArgs(machine, options.firmware),
    ...['-accel', options.accel, '-cpu', cpuOption(machine, options.accel)],
    ...['-smp', smpOption(machine, definition)],
    ...(options.ram ? ramFileArgs(definition.memory, options.ram) : memoryArgs(definition)),
    ...['-rtc', 'base=utc'],
    // Only report a panic (pvpanic sends an event); the guest decides what to do after it.
    ...['-action', 'panic=none', ...device('pvpanic')],
    ...['-chardev', socketChardev('up0', inRunDir(paths.upMark))],
    ...monitor('qmp', inRunDir(paths.qmp)),
    ...monitor('qmp-storage', inRunDir(paths.qmpStorage)),
    ...[
      '-chardev',
      `${socketChardev('serial0', inRunDir(paths.serial))},logfile=${escapeCommas(options.serialLog)},logappend=on`,
    ],
    ...device('isa-serial', { chardev: 'serial0' }),
    ...['-chardev', socketChardev(GUEST_AGENT_CHARDEV, inRunDir(paths.guestAgent))],
    ...device('virtio-serial-pci', { id: 'channel0', ...pciAddress(SLOT.channel) }),
    ...device('virtserialport', {
      bus: 'channel0.0',
      chardev: GUEST_AGENT_CHARDEV,
      name: 'org.qemu.guest_agent.0',
    }),
    ...videoArgs(machine),
    ...['-vnc', `127.0.0.1:0,to=${MAX_VNC_DISPLAY},password=on`],
    // force-shared: a new viewer must not disconnect the others.
    ...['-vnc', `unix:${inRunDir(paths.vnc)},share=force-shared`],
    ...device('virtio-balloon-pci', { id: 'balloon0', ...pciAddress(SLOT.balloon) }),
    ...['-object', JSON.stringify({ 'qom-type': 'rng-random', id: 'rng0', filename: '/dev/urandom' })],
    ...device('virtio-rng-pci', { rng: 'rng0', ...pciAddress(SLOT.rng) }),
    ...optionalDevices(machine, options.generation),
    ...spareDevices(machine),
    ...driveArgs(machine, options.media),
    ...diskArgs(definition, machine, options.images, options.seed),
    ...nicArgs(definition.nics, options),
  ];
};
