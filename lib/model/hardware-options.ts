import { type Devices, EARLIER_DEVICES, NEW_DEVICES } from './devices.js';
import type { Firmware } from './firmware.js';

/** The part of `machine` that a guest can change at its next start. */
export interface MachineOptions {
  firmware: Firmware;
  secureBoot: boolean;
  tpm: boolean;
  networkBoot: boolean;
}

/** The part of a guest's hardware that changes at its next start, with nothing left out. */
export interface HardwareOptions {
  machine: MachineOptions;
  devices: Devices;
}

/** A change of some options. `null` returns one to its default; an absent one stays as it is. */
export type OptionsChange = {
  [Part in keyof HardwareOptions]?:
    | { [Key in keyof HardwareOptions[Part]]?: HardwareOptions[Part][Key] | null | undefined }
    | undefined;
};

/** The options that wait for the next start. */
export type PendingOptions = { [Part in keyof HardwareOptions]?: Partial<HardwareOptions[Part]> };

export const DEFAULT_OPTIONS: HardwareOptions = {
  machine: { firmware: 'bios', secureBoot: false, tpm: false, networkBoot: false },
  devices: NEW_DEVICES,
};

/** Returns the options of a guest, with those that its hardware leaves out. */
export const optionsOf = ({ machine, devices }: OptionsChange): HardwareOptions => ({
  machine: {
    firmware: machine?.firmware ?? 'bios',
    secureBoot: machine?.secureBoot ?? false,
    tpm: machine?.tpm ?? false,
    networkBoot: machine?.networkBoot ?? false,
  },
  devices: {
    tablet: devices?.tablet ?? EARLIER_DEVICES.tablet,
    video: devices?.video ?? EARLIER_DEVICES.video,
    watchdog: devices?.watchdog ?? EARLIER_DEVICES.watchdog,
    vmgenid: devices?.vmgenid ?? EARLIER_DEVICES.vmgenid,
  },
});

/** Returns options as a guest's hardware has them: those that are off are absent. */
export const recordedOptions = ({
  firmware,
  secureBoot,
  tpm,
  networkBoot,
}: MachineOptions): Pick<MachineOptions, 'firmware'> & Partial<MachineOptions> => ({
  firmware,
  ...(secureBoot ? { secureBoot } : {}),
  ...(tpm ? { tpm } : {}),
  ...(networkBoot ? { networkBoot } : {}),
});

const partOf = <Part extends object>(
  part: Part,
  change: { [Key in keyof Part]?: Part[Key] | null | undefined } = {},
  defaults: Part,
): Part => {
  const all = { ...part };
  for (const key of Object.keys(part) as (keyof Part)[]) {
    const value = change[key];
    if (value !== undefined) all[key] = value ?? defaults[key];
  }
  return all;
};

/** Returns options after a change. */
export const changeOptions = (
  { machine, devices }: HardwareOptions,
  change: OptionsChange,
): HardwareOptions => ({
  machine: partOf(machine, change.machine, DEFAULT_OPTIONS.machine),
  devices: partOf(devices, change.devices, DEFAULT_OPTIONS.devices),
});

const differencesIn = <Part extends object>(from: Part, to: Part): Partial<Part> | undefined => {
  const difference: Partial<Part> = {};
  for (const key of Object.keys(to) as (keyof Part)[]) if (from[key] !== to[key]) difference[key] = to[key];
  return Object.keys(difference).length > 0 ? difference : undefined;
};

/** Returns the change from some options to others. */
export const optionsDifference = (from: HardwareOptions, to: HardwareOptions): PendingOptions => {
  const machine = differencesIn(from.machine, to.machine);
  const devices = differencesIn(from.devices, to.devices);
  return { ...(machine ? { machine } : {}), ...(devices ? { devices } : {}) };
};

/** Says why options contradict each other; `undefined` when they do not. */
export const optionsProblem = ({ machine }: HardwareOptions): string | undefined =>
  machine.secureBoot && machine.firmware !== 'uefi'
    ? '"machine.secureBoot" needs "machine.firmware": "uefi": set both, or set "machine.secureBoot" to false'
    : undefined;
