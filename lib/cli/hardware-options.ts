import { type Command, Option } from 'commander';
import { VIDEO_MODELS, WATCHDOG_ACTIONS } from '../model/devices.js';
import { FIRMWARES } from '../model/firmware.js';
import type { HardwareOptions, OptionsChange } from '../model/hardware-options.js';
import { DEFAULT, type OrDefault, patchValue } from './or-default.js';

type Switch = OrDefault<'on' | 'off'>;

type Choices<Options> = {
  [Key in keyof Options]?: Options[Key] extends boolean ? Switch : OrDefault<Options[Key]>;
};

/** What the options of `addHardwareOptions` parse to. */
export type HardwareChoices = Choices<HardwareOptions['machine']> & Choices<HardwareOptions['devices']>;

const choice = (flags: string, description: string, choices: readonly string[]): Option =>
  new Option(flags, description).choices([...choices, DEFAULT]);

const onOrOff = (flags: string, description: string): Option => choice(flags, description, ['on', 'off']);

/** Adds the options for what a guest's hardware has from its next start on. */
export const addHardwareOptions = (command: Command): Command =>
  command
    .addOption(choice('--firmware <kind>', 'firmware of a virtual machine', FIRMWARES))
    .addOption(
      onOrOff('--secure-boot <state>', 'start only programs with a known signature; needs firmware uefi'),
    )
    .addOption(onOrOff('--tpm <state>', 'a TPM 2.0'))
    .addOption(onOrOff('--network-boot <state>', 'boot from the NICs (PXE) when no disk boots'))
    .addOption(choice('--video <card>', 'graphics card', VIDEO_MODELS))
    .addOption(
      choice('--watchdog <action>', 'what a watchdog does with a guest that hangs', WATCHDOG_ACTIONS),
    )
    .addOption(onOrOff('--tablet <state>', 'a pointer with absolute positions'))
    .addOption(onOrOff('--vmgenid <state>', 'an ID that changes when the guest is rolled back'));

const chosen = <Value>(value: OrDefault<Value> | undefined): Value | null | undefined =>
  value === undefined ? undefined : patchValue(value);

const switched = (value: Switch | undefined): boolean | null | undefined => {
  const word = chosen(value);
  return typeof word === 'string' ? word === 'on' : word;
};

/** Leaves out what the command line does not name. */
const named = <Part extends object>(part: Part): Partial<Part> =>
  Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as Partial<Part>;

/** Returns the part of a patch that these options make. */
export const hardwarePatch = (choices: HardwareChoices): OptionsChange => {
  const { firmware, secureBoot, tpm, networkBoot, tablet, video, watchdog, vmgenid } = choices;
  const machine = named({
    firmware: chosen(firmware),
    secureBoot: switched(secureBoot),
    tpm: switched(tpm),
    networkBoot: switched(networkBoot),
  });
  const devices = named({
    tablet: switched(tablet),
    video: chosen(video),
    watchdog: chosen(watchdog),
    vmgenid: switched(vmgenid),
  });
  return {
    ...(Object.keys(machine).length > 0 ? { machine } : {}),
    ...(Object.keys(devices).length > 0 ? { devices } : {}),
  };
};
