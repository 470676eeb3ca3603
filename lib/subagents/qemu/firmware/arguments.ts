import { NVRAM_NODE } from '../../shared/nvram.js';
import { blockdev } from '../machine/device-options.js';
import type { MachineIdentity } from '../machine/identity.js';
import type { FlashFile } from './descriptors.js';

/** A guest's firmware as QEMU opens it. */
export interface OpenedFirmware {
  code: FlashFile;
  /** The name of the qcow2 file of its variables. */
  nvram: string;
}

const CODE_NODE = 'firmware';

/** Only code in System Management Mode may then write to the variables: edk2's OvmfPkg/README, "SMM support". */
const SECURE = [
  ...['-global', 'driver=cfi.pflash01,property=secure,value=on'],
  // The firmware's System Management Mode would not survive a sleep.
  ...['-global', 'ICH9-LPC.disable_s3=1'],
];

/** Builds the machine, with its UEFI firmware in two flash devices; a guest with BIOS has no `firmware`. */
export const machineArgs = (
  { type, secureBoot = false }: Pick<MachineIdentity, 'type' | 'secureBoot'>,
  firmware: OpenedFirmware | undefined,
): string[] => {
  if (!firmware) return ['-machine', type];
  const { code, nvram } = firmware;
  const flash = `pflash0=${CODE_NODE},pflash1=${NVRAM_NODE}`;
  return [
    ...blockdev({
      driver: code.format,
      'node-name': CODE_NODE,
      'read-only': true,
      ...(code.format === 'qcow2' ? { backing: null } : {}),
      file: { driver: 'file', filename: code.filename, 'read-only': true },
    }),
    ...blockdev({ driver: 'file', 'node-name': `${NVRAM_NODE}-file`, filename: nvram }),
    ...blockdev({ driver: 'qcow2', 'node-name': NVRAM_NODE, file: `${NVRAM_NODE}-file`, backing: null }),
    ...['-machine', `${type}${secureBoot ? ',smm=on' : ''},${flash}`],
    ...(secureBoot ? SECURE : []),
  ];
};
