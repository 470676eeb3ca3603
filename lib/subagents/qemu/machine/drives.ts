import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Cdrom, normalizeCdroms } from '../../../model/cd-drives.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { isInside, realDirs, ZVOLS } from '../../shared/paths.js';
import { IMAGES_DIR, SUFFIX } from '../../shared/qcow2/file-name.js';
import { cdBootIndex } from './boot-index.js';
import type { Definition } from './definition.js';
import { blockdev, device, type Properties } from './device-options.js';
import type { DiskImage } from './disks.js';
import type { MachineIdentity } from './identity.js';

type Drives = Pick<MachineIdentity, 'layout' | 'cdDrives'>;

/** How many CD drives a guest of this hardware has. */
export const driveCount = ({ layout, cdDrives = 1 }: Drives): number => (layout < 2 ? 0 : cdDrives);

/** Returns a guest's CD drives with the images in them. */
export const drivesOf = ({ cdroms = [] }: Pick<Definition, 'cdroms'>, machine: Drives): Cdrom[] =>
  normalizeCdroms(Array.from({ length: driveCount(machine) }, (_, n) => cdroms[n] ?? {}));

/** @throws {Refusal} `conflict` when the guest's hardware has no CD drives */
export const requireDrives = (definition: Pick<Definition, 'id' | 'cdroms'>, machine: Drives): void => {
  if ((definition.cdroms ?? []).length <= driveCount(machine)) return;
  throw new Refusal(
    'conflict',
    `guest ${definition.id} has ${driveCount(machine)} CD drives: its virtual hardware was fixed when it was created`,
  );
};

/** The last ports of the built-in SATA controller: neither a drive nor its bus can be plugged in later. */
const driveBus = (drive: number): string => `ide.${5 - drive}`;

/** The name of the block node of a medium, which says what is in the drive. QEMU allows 31 characters. */
export const mediumNode = (drive: string, source: string): string =>
  `${drive}-${createHash('sha256').update(source).digest('hex').slice(0, 16)}`;

/** Returns the block node of a medium. */
export const mediumNodeOptions = (node: string, { format, protocol, filename }: DiskImage): Properties => ({
  driver: format,
  'node-name': node,
  'read-only': true,
  ...(format === 'qcow2' ? { backing: null } : {}),
  file: { driver: protocol, filename, 'read-only': true },
});

/** A medium as QEMU opens it. */
export interface DriveMedium {
  device: string;
  node: string;
  image: DiskImage;
}

/** Builds the options of a guest's CD drives. */
export const driveArgs = (machine: MachineIdentity, media: readonly DriveMedium[]): string[] =>
  Array.from({ length: driveCount(machine) }, (_, n) => n).flatMap((n) => {
    const id = `cd${n}`;
    const medium = media.find((one) => one.device === id);
    const drive = medium ? { drive: medium.node } : {};
    const options = { id, bus: driveBus(n), bootindex: cdBootIndex(machine, n), ...drive };
    return [
      ...(medium ? blockdev(mediumNodeOptions(medium.node, medium.image)) : []),
      // Installers know a SATA drive, unlike a SCSI one.
      ...device('ide-cd', options),
    ];
  });

/**
 * Finds the file or device of an ISO image.
 * @param diskDirs the directories of guests' disks, beside which the images are
 * @throws {Refusal} when it is missing or not in a directory of images
 */
export const locateMedium = async (
  image: string,
  { media = [] }: Pick<Definition, 'media'>,
  diskDirs: readonly string[],
): Promise<DiskImage> => {
  const source = media.find((medium) => medium.image === image)?.source;
  if (source === undefined)
    throw new Refusal(
      'invalid',
      `the file of image ${image} is not known: have a storage stage find it (ImageStore.FindMedia)`,
    );
  const path = await realpath(source).catch(() => {
    throw new Refusal('conflict', `image ${image} is gone from the storage: ${source} does not exist`);
  });
  const stats = await stat(path);
  if (source.startsWith(ZVOLS) && stats.isBlockDevice())
    return { filename: source, protocol: 'host_device', format: 'raw' };
  const dirs = await realDirs(diskDirs.map((dir) => join(dirname(dir), IMAGES_DIR)));
  if (!stats.isFile() || !dirs.some((dir) => isInside(path, dir)))
    throw new Refusal('invalid', `${source} is not an image: it must be in ${dirs.join(' or ')}`);
  return { filename: path, protocol: 'file', format: path.endsWith(SUFFIX) ? 'qcow2' : 'raw' };
};
