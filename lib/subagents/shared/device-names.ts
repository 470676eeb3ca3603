import { certainNames, type NamedDisk } from '../../model/disks.js';
import { Refusal } from '../../rpc/protocol/refusal.js';

/**
 * Returns the device name of each disk in a Linux guest; `""` where it is not certain.
 * @throws when a disk is given a name that the guest may give to another
 */
export const deviceNames = (disks: readonly NamedDisk[]): string[] => {
  const names = certainNames(disks);
  for (const [index, { device }] of disks.entries()) {
    const name = names[index];
    if (device === '' || device === name) continue;
    throw new Refusal(
      'invalid',
      name === undefined
        ? `disk ${index}: the guest may call another disk ${device}, because it finds several scsi, sata and ide disks in any order: leave "device" out, and use the disk's serial`
        : `disk ${index}: the guest calls this disk ${name}, not ${device}: leave "device" out, or change it`,
    );
  }
  return names.map((name = '') => name);
};
