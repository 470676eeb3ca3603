import type { Firmware } from '../../../model/firmware.js';
import type { Guest } from '../../../model/guest.js';
import type { Contents } from '../images/contents.js';
import type { StoredDisk } from '../stored.js';

interface FirmwareChoice {
  guest: Guest;
  message?: string;
}

/** Secure Boot implies UEFI, and a guest that brings its machine type brings its firmware, too. */
const hasChosen = ({ machine = {} }: Guest): boolean =>
  machine.firmware !== undefined || machine.secureBoot === true || machine.type !== undefined;

const NAMES: Record<Firmware, string> = { bios: 'a BIOS', uefi: 'UEFI' };

/** Says that a guest's firmware cannot boot the image of its first disk; `undefined` when it can, or nothing boots it. */
const mismatch = ({ machine = {} }: Guest, image: string, boots: readonly Firmware[]): string | undefined => {
  const firmware = machine.firmware ?? (machine.secureBoot ? 'uefi' : 'bios');
  const [other] = boots;
  if (other === undefined || boots.includes(firmware)) return undefined;
  return `the guest gets ${NAMES[firmware]}, but its image ${image} boots with ${NAMES[other]} only: it will not boot from this disk, unless its firmware is changed to ${other}`;
};

/**
 * Gives a guest that names no firmware UEFI, where the image of its first disk boots with nothing else. Warns of a chosen
 * firmware that cannot boot the image.
 */
export const chooseFirmware = async (
  contents: Pick<Contents, 'learn' | 'find'>,
  guest: Guest,
  [first]: readonly Pick<StoredDisk, 'image'>[],
): Promise<FirmwareChoice> => {
  if (!first?.image) return { guest };
  await contents.learn(first.image);
  const { boots = [] } = contents.find(first.image) ?? {};
  if (hasChosen(guest)) {
    const message = mismatch(guest, first.image, boots);
    return { guest, ...(message === undefined ? {} : { message }) };
  }
  if (boots.length !== 1 || boots[0] !== 'uefi') return { guest };
  return {
    guest: { ...guest, machine: { ...guest.machine, firmware: 'uefi' } },
    message: `the guest gets UEFI, because its image ${first.image} boots with nothing else`,
  };
};
