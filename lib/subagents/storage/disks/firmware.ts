import type { Guest } from '../../../model/guest.js';
import type { StoredDisk } from '../disk-store.js';
import type { Contents } from '../images/contents.js';

interface FirmwareChoice {
  guest: Guest;
  message?: string;
}

/** Secure Boot implies UEFI, and a guest that brings its machine type brings its firmware, too. */
const hasChosen = ({ machine = {} }: Guest): boolean =>
  machine.firmware !== undefined || machine.secureBoot === true || machine.type !== undefined;

/** Gives a guest that names no firmware UEFI, where the image of its first disk boots with nothing else. */
export const chooseFirmware = async (
  contents: Contents,
  guest: Guest,
  [first]: readonly Pick<StoredDisk, 'image'>[],
): Promise<FirmwareChoice> => {
  if (!first?.image || hasChosen(guest)) return { guest };
  await contents.learn(first.image);
  const { boots = [] } = contents.find(first.image) ?? {};
  if (boots.length !== 1 || boots[0] !== 'uefi') return { guest };
  return {
    guest: { ...guest, machine: { ...guest.machine, firmware: 'uefi' } },
    message: `the guest gets UEFI, because its image ${first.image} boots with nothing else`,
  };
};
