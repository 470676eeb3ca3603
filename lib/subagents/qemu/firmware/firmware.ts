import type { Logger } from '../../../log.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { MachineIdentity } from '../machine/identity.js';
import { FIRMWARE_DIRS, type FirmwareFiles, matchingFirmware, readDescriptors } from './descriptors.js';
import { FLASH_BYTES, flashSize } from './flash-size.js';

type Wanted = Pick<MachineIdentity, 'type' | 'firmware' | 'secureBoot'>;

/** @throws when one of the files is missing */
const sizeOf = async ({ code, template }: FirmwareFiles): Promise<number> =>
  (await flashSize(code)) + (await flashSize(template));

/** The UEFI firmware of this host. */
export class Firmware {
  readonly #dirs: readonly string[];
  readonly #log: Logger;

  constructor(log: Logger, dirs: readonly string[] = FIRMWARE_DIRS) {
    this.#log = log;
    this.#dirs = dirs;
  }

  /**
   * Finds the files of a guest's firmware; `undefined` for a guest with BIOS, which is QEMU's own.
   * @throws {Refusal} `conflict` when this host has none
   */
  async find({ type, firmware, secureBoot = false }: Wanted): Promise<FirmwareFiles | undefined> {
    if (firmware === 'bios') return undefined;
    const descriptors = await readDescriptors(this.#dirs, this.#log);
    for (const files of matchingFirmware(descriptors, type, secureBoot))
      if ((await sizeOf(files).catch(() => undefined)) === FLASH_BYTES) return files;
    const what = secureBoot ? 'UEFI firmware of 4 MB with Secure Boot' : 'UEFI firmware of 4 MB';
    throw new Refusal(
      'conflict',
      `this host has no ${what}: install OVMF (Debian: apt install ovmf; Fedora and Arch: edk2-ovmf), or use "machine.firmware": "bios"`,
    );
  }
}
