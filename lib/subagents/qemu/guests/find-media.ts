import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { type DriveMedium, drivesOf, locateMedium, mediumNode } from '../machine/drives.js';
import type { MachineIdentity } from '../machine/identity.js';
import type { Entry } from './entry.js';

/** Finds the ISO images in a guest's drives. One that is gone leaves its drive empty, as with a real machine. */
export const findMedia = async (
  { id, record: { definition } }: Entry,
  machine: MachineIdentity,
  diskDirs: readonly string[],
  log: Logger,
): Promise<DriveMedium[]> => {
  const media: DriveMedium[] = [];
  for (const { device, image } of drivesOf(definition, machine)) {
    if (image === '') continue;
    try {
      const found = await locateMedium(image, definition, diskDirs);
      media.push({ device, node: mediumNode(device, found.filename), image: found });
    } catch (error) {
      log.warn({ guest: id }, `CD drive ${device} stays empty: ${errorMessage(error)}`);
    }
  }
  return media;
};
