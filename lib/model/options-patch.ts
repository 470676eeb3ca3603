import type Joi from 'joi';
import { deviceSchemas } from './devices-schema.js';
import type { OptionsChange } from './hardware-options.js';
import { type Machine, machineOptionSchemas } from './machine.js';
import { patchSchema } from './patch-schema.js';

const UPGRADE = 'upgrade the machine of the guest instead, at /guests/{guestID}/upgrade-machine';
const FIXED = 'it is fixed when the guest is created';

type MachinePatch = NonNullable<OptionsChange['machine']>;
type DevicesPatch = NonNullable<OptionsChange['devices']>;

/** Where a client changes the other keys of a machine. */
const ELSEWHERE: Record<Exclude<keyof Machine, keyof MachinePatch>, string> = {
  type: UPGRADE,
  layout: UPGRADE,
  next: UPGRADE,
  sockets: FIXED,
  threads: FIXED,
};

/** The parts of a patch that change a guest's hardware at its next start. */
export const optionsPatchSchemas = {
  machine: patchSchema<MachinePatch>(
    {
      firmware: machineOptionSchemas.firmware.allow(null).description('`bios` (the default) or `uefi`'),
      secureBoot: machineOptionSchemas.secureBoot.allow(null),
      tpm: machineOptionSchemas.tpm.allow(null),
      networkBoot: machineOptionSchemas.networkBoot.allow(null),
    } satisfies Record<keyof MachinePatch, Joi.Schema>,
    ELSEWHERE,
  )
    .label('machine')
    .description('Firmware, Secure Boot, TPM and network boot, from the next start on')
    .example({ firmware: 'uefi', secureBoot: true }),
  devices: patchSchema<DevicesPatch>(
    {
      tablet: deviceSchemas.tablet.allow(null),
      video: deviceSchemas.video.allow(null),
      watchdog: deviceSchemas.watchdog.allow(null),
      vmgenid: deviceSchemas.vmgenid.allow(null),
    } satisfies Record<keyof DevicesPatch, Joi.Schema>,
    {},
  )
    .label('devices')
    .description('Small devices, from the next start on')
    .example({ watchdog: 'reset' }),
};
