import { diskNumber } from '../../../model/disks.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { cdBootIndex, diskBootIndex } from './boot-index.js';
import type { Definition } from './definition.js';
import { drivesOf } from './drives.js';
import type { MachineIdentity } from './identity.js';
import { diskId } from './places.js';

/** A device that a guest can boot from. */
export interface BootDevice {
  /** By which a boot order names it. */
  name: string;
  /** QEMU's id of the device. */
  id: string;
  bootindex: number;
}

/** Lists the devices that a guest can boot from. */
export const bootDevices = (definition: Definition, machine: MachineIdentity): BootDevice[] => [
  ...definition.disks.map((disk, index): BootDevice => {
    const number = diskNumber(disk, index);
    const id = diskId(disk.bus, number);
    return { name: `disk${number}`, id, bootindex: diskBootIndex(machine, number) };
  }),
  ...drivesOf(definition, machine).map(
    ({ device }, drive): BootDevice => ({
      ...{ name: device, id: device },
      bootindex: cdBootIndex(machine, drive),
    }),
  ),
];

/** @throws {Refusal} `invalid` for a name that the guest has no device of */
export const requireBootDevices = (
  names: readonly string[],
  definition: Definition,
  machine: MachineIdentity,
): void => {
  const known = bootDevices(definition, machine).map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const choices = known.length > 0 ? `it has ${known.join(', ')}` : 'it has neither disks nor CD drives';
  throw new Refusal('invalid', `guest ${definition.id} has no ${unknown} to boot from: ${choices}`);
};
