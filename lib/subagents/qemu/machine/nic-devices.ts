import type { Nic } from '../../../model/guest.js';
import { USER_NETWORK } from '../../../model/nics.js';
import { nicDriver } from '../../shared/network/nics.js';
import type { Switch } from '../../shared/network/switch.js';
import type { Properties } from './device-options.js';
import type { MachineIdentity } from './identity.js';
import type { NicEntries } from './nic-entry.js';
import { netdevId, nicDeviceId, numberNics } from './nic-numbers.js';
import { nicPlace } from './nic-places.js';

/**
 * Describes the host's end of a NIC for `-netdev` and QMP `netdev_add`. Leaves out the virtio header, and with it all
 * offloads, on a switch that cannot forward such frames.
 */
export const netdev = (nic: Nic, number: number, target: Switch | undefined): Properties => {
  const id = netdevId(number);
  if (nic.network === USER_NETWORK) return { type: 'user', id };
  const tap = { type: 'tap', id, ifname: nic.device, script: 'no', downscript: 'no' };
  return target?.offload === false ? { ...tap, vnet_hdr: false } : tap;
};

/** After all disks and CD drives. */
const FIRST_BOOT_INDEX = 301;

/**
 * Without network boot, a NIC has no option ROM: guests boot from their disks, and network boot takes seconds to fail.
 * OVMF brings drivers of its own.
 */
const bootProperties = (
  { networkBoot = false, firmware }: Pick<MachineIdentity, 'networkBoot' | 'firmware'>,
  number: number,
): Properties => ({
  ...(networkBoot ? { bootindex: FIRST_BOOT_INDEX + number } : {}),
  ...(networkBoot && firmware === 'bios' ? {} : { romfile: '' }),
});

/** Describes a NIC for `-device` and QMP `device_add`. */
export const nicDevice = (
  nic: Nic,
  number: number,
  machine: Pick<MachineIdentity, 'ports' | 'networkBoot' | 'firmware'>,
  nicModels: readonly string[],
): Properties & { driver: string } => {
  const driver = nicDriver(nic.model, nicModels);
  if (!driver) throw new RangeError(`NIC ${number} has no driver`);
  return {
    driver,
    id: nicDeviceId(number),
    netdev: netdevId(number),
    mac: nic.mac,
    ...bootProperties(machine, number),
    ...nicPlace(machine, number),
  };
};

/** A NIC's two ends, for QMP `netdev_add` and `device_add`. */
export interface NicArguments {
  netdev: Properties;
  device: ReturnType<typeof nicDevice>;
}

/** Describes all NICs of a guest. */
export const nicArguments = (
  nics: readonly Nic[],
  {
    machine,
    nicModels,
    switches,
  }: {
    machine: MachineIdentity;
    nicModels: readonly string[];
    /** One for each NIC. */
    switches: readonly (Switch | undefined)[];
  },
): NicArguments[] => {
  const numbers = numberNics(nics, machine.nics);
  return nics.map((nic, index) => {
    const number = numbers[index] ?? index;
    return {
      netdev: netdev(nic, number, switches[index]),
      device: nicDevice(nic, number, machine, nicModels),
    };
  });
};

/** Lists the devices of the NICs whose cable is unplugged. */
export const unpluggedNics = (nics: readonly Nic[], entries?: NicEntries): string[] => {
  const numbers = numberNics(nics, entries);
  return nics.flatMap(({ link }, index) => (link === 'down' ? nicDeviceId(numbers[index] ?? index) : []));
};
