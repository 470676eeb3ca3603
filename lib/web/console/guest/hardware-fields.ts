import { VIDEO_MODELS, WATCHDOG_ACTIONS } from '../../../model/devices.js';
import type { Guest } from '../../../model/guest.js';
import type { GuestPatch } from '../../../model/guest-patch.js';
import {
  changeOptions,
  type HardwareOptions,
  optionsDifference,
  optionsOf,
} from '../../../model/hardware-options.js';
import { field, group } from '../dialogs.js';
import { h } from '../dom.js';
import { checkbox } from '../inputs.js';

const FIRMWARE = { bios: 'BIOS', uefi: 'UEFI', secure: 'UEFI with Secure Boot' };

const VIDEO: Record<(typeof VIDEO_MODELS)[number], string> = {
  std: 'Standard VGA',
  virtio: 'Virtio',
  none: 'None',
};

const WATCHDOG: Record<(typeof WATCHDOG_ACTIONS)[number], string> = {
  none: 'None',
  reset: 'Resets the guest',
  poweroff: 'Powers the guest off',
  pause: 'Pauses the guest',
};

const select = (words: Readonly<Record<string, string>>, value: string): HTMLSelectElement => {
  const options = Object.entries(words).map(([each, text]) => h('option', { value: each }, text));
  const element = h('select', {}, ...options);
  element.value = value;
  return element;
};

const chosen = <Value extends string>(
  values: readonly Value[],
  { value }: HTMLSelectElement,
  or: Value,
): Value => values.find((each) => each === value) ?? or;

/** The fields of what a virtual machine's hardware has from its next start on. */
export const hardwareFields = (guest: Guest, isOff: boolean) => {
  const before = changeOptions(optionsOf(guest), guest.pending ?? {});
  const { machine, devices } = before;
  const firmware = select(FIRMWARE, machine.secureBoot ? 'secure' : machine.firmware);
  const video = select(VIDEO, devices.video);
  const watchdog = select(WATCHDOG, devices.watchdog);
  const boxes = {
    tpm: checkbox(machine.tpm),
    networkBoot: checkbox(machine.networkBoot),
    tablet: checkbox(devices.tablet),
    vmgenid: checkbox(devices.vmgenid),
  };
  const check = (input: HTMLInputElement, text: string): HTMLElement =>
    h('label', { class: 'check' }, input, text);
  const effect = isOff ? 'At once, because the guest is off.' : 'At the next start.';
  const read = (): HardwareOptions => ({
    machine: {
      firmware: firmware.value === 'bios' ? 'bios' : 'uefi',
      secureBoot: firmware.value === 'secure',
      tpm: boxes.tpm.checked,
      networkBoot: boxes.networkBoot.checked,
    },
    devices: {
      tablet: boxes.tablet.checked,
      video: chosen(VIDEO_MODELS, video, devices.video),
      watchdog: chosen(WATCHDOG_ACTIONS, watchdog, devices.watchdog),
      vmgenid: boxes.vmgenid.checked,
    },
  });
  return {
    /** What the user has changed. */
    patch: (): GuestPatch => optionsDifference(before, read()),
    inputs: { machine: firmware, devices: video },
    elements: [
      field('Firmware', firmware, `${effect} Its UEFI variables are kept for when it changes back.`),
      h('div', { class: 'two' }, field('Graphics card', video, effect), field('Watchdog', watchdog, effect)),
      group(
        'Devices',
        h(
          'div',
          {},
          check(boxes.tpm, 'TPM 2.0'),
          check(boxes.networkBoot, 'Boots from the network when no disk boots'),
          check(boxes.tablet, 'Tablet: a pointer with absolute positions'),
          check(boxes.vmgenid, 'Generation ID: tells the guest that it was rolled back'),
        ),
        effect,
      ),
    ],
  };
};
