import type { MachineOptions } from '../../../model/hardware-options.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { MachineIdentity } from '../machine/identity.js';
import { requireSwtpm } from '../tpm/swtpm.js';
import type { Host } from './launch.js';

/** @throws {Refusal} `conflict` when a guest with BIOS could not boot from its NICs */
const requireNicRoms = async ({ program }: Pick<Host, 'program'>): Promise<void> => {
  if (await program.hasNicRoms()) return;
  throw new Refusal(
    'conflict',
    'network boot with a BIOS needs the ROMs of iPXE, which QEMU does not find on this host: install them (Debian: apt install ipxe-qemu), use "machine.firmware": "uefi", or leave "machine.networkBoot" out',
  );
};

/**
 * Checks that this host has the parts that a guest's hardware needs.
 * @param before what the guest has: the parts of that are not checked again
 * @throws {Refusal} `conflict`, naming the package to install
 */
export const requireParts = async (
  host: Pick<Host, 'program' | 'firmware'>,
  machine: Pick<MachineIdentity, 'type'> & Partial<MachineOptions> & Pick<MachineOptions, 'firmware'>,
  before?: MachineOptions,
): Promise<void> => {
  const { firmware, secureBoot = false, tpm = false, networkBoot = false } = machine;
  const isSameFirmware = firmware === before?.firmware;
  if (!isSameFirmware || secureBoot !== before?.secureBoot) await host.firmware.find(machine);
  if (tpm && !before?.tpm) await requireSwtpm();
  if (networkBoot && firmware === 'bios' && !(isSameFirmware && before?.networkBoot))
    await requireNicRoms(host);
};
