import { cdromName } from '../../../model/cd-drives.js';
import type { MachineIdentity } from './identity.js';

/** Where the devices begin that the guest's order does not name. */
const UNNAMED = { disk: 101, cd: 201 } as const;

const positionIn = ({ bootOrder = [] }: Pick<MachineIdentity, 'bootOrder'>, name: string): number =>
  bootOrder.indexOf(name) + 1;

/** Returns the `bootindex` of a disk: those that the order names come first, then the disks by number, then CDs. */
export const diskBootIndex = (machine: Pick<MachineIdentity, 'bootOrder'>, number: number): number =>
  positionIn(machine, `disk${number}`) || UNNAMED.disk + number;

/** As `diskBootIndex`, for a CD drive. */
export const cdBootIndex = (machine: Pick<MachineIdentity, 'bootOrder'>, drive: number): number =>
  positionIn(machine, cdromName(drive)) || UNNAMED.cd + drive;

/** Returns the hardware of a guest for a run that begins with a boot from another device than usual. */
export const bootingOnce = (machine: MachineIdentity, name: string | undefined): MachineIdentity => {
  if (name === undefined) return machine;
  const others = (machine.bootOrder ?? []).filter((other) => other !== name);
  return { ...machine, bootOrder: [name, ...others] };
};
