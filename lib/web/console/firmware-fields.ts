import type { CreateOptions } from '../../client/guest-spec.js';
import { field, group } from './dialogs.js';
import { h } from './dom.js';

type FirmwareOptions = Pick<CreateOptions, 'firmware' | 'secureBoot' | 'tpm'>;

/** The choices of the firmware field, by the value of each option. */
const CHOICES: ReadonlyMap<string, { text: string; options: FirmwareOptions }> = new Map([
  ['', { text: 'What the image needs', options: {} }],
  ['bios', { text: 'BIOS', options: { firmware: 'bios' } }],
  ['uefi', { text: 'UEFI', options: { firmware: 'uefi' } }],
  ['secure', { text: 'UEFI with Secure Boot', options: { firmware: 'uefi', secureBoot: true } }],
]);

/** The fields of a virtual machine's firmware and TPM; hidden, they choose nothing. */
export interface FirmwareFields {
  element: HTMLElement;
  firmware: HTMLElement;
  options: () => FirmwareOptions;
}

export const firmwareFields = (): FirmwareFields => {
  const options = [...CHOICES].map(([value, { text }]) => h('option', { value }, text));
  const firmware = h('select', {}, ...options);
  const tpm = h('input', { type: 'checkbox' });
  const check = h('label', { class: 'check' }, tpm, 'TPM 2.0');
  const element = h('div', {}, field('Firmware', firmware), group('Security', check));
  const chosen = (): FirmwareOptions => ({
    ...CHOICES.get(firmware.value)?.options,
    ...(tpm.checked ? { tpm: true } : {}),
  });
  return { element, firmware, options: () => (element.hidden ? {} : chosen()) };
};
