import type { Nic } from '../../../model/guest.js';
import { type Properties, placeOf, SLOT } from './device-options.js';
import type { MachineIdentity } from './identity.js';
import { nicDeviceId, nicEntries, numberNics } from './nic-numbers.js';
import { gapDevices, withoutPlace } from './places.js';

/** Returns the place of a NIC: its root port, or its fixed address on the root bus. */
export const nicPlace = (machine: Pick<MachineIdentity, 'ports'>, number: number): Properties =>
  placeOf(machine, nicDeviceId(number), SLOT.nics, number);

/** Builds what the guest needs to find its NICs on the root bus, where one of them was removed. */
export const nicGaps = ({ ports }: Pick<MachineIdentity, 'ports'>, numbers: readonly number[]): string[] =>
  gapDevices(
    SLOT.nics,
    numbers.filter((number) => ports[nicDeviceId(number)] === undefined),
  );

/** Fits the entries and ports of a guest's hardware to its NICs. Hardware without entries numbers them by their index. */
export const withNics = (machine: MachineIdentity, nics: readonly Nic[]): MachineIdentity => {
  if (!machine.nics) return machine;
  const kept = new Set(numberNics(nics, machine.nics).map(nicDeviceId));
  const gone = Object.values(machine.nics)
    .map(({ number }) => nicDeviceId(number))
    .filter((id) => !kept.has(id));
  return { ...gone.reduce(withoutPlace, machine), nics: nicEntries(nics, machine.nics) };
};
