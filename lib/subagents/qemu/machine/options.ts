import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type HardwareOptions, optionsOf, recordedOptions } from '../../../model/hardware-options.js';
import type { MachineIdentity } from './identity.js';

/** Returns the options that a guest's hardware has. */
export const machineOptions = (machine: MachineIdentity): HardwareOptions =>
  optionsOf({ machine, devices: machine.devices });

/** Returns hardware with other options. The generation ID stays, also while the guest does not see it. */
export const withOptions = (
  { secureBoot: _s, tpm: _t, networkBoot: _n, ...machine }: MachineIdentity,
  { machine: options, devices }: HardwareOptions,
): MachineIdentity => ({
  ...machine,
  ...recordedOptions(options),
  // A guest of a version that recorded no devices has none in its record until one changes.
  ...(isDeepStrictEqual(devices, machineOptions(machine).devices) ? {} : { devices }),
  ...(devices.vmgenid && machine.generation === undefined ? { generation: randomUUID() } : {}),
});
