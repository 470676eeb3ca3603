import { diskNodeName } from '../../shared/guest-run-dir.js';
import { addFile, removeFile } from '../../shared/qemu-files.js';
import { type AttachedDisk, diskDevice, diskNodes, fileNodeName } from '../machine/disk-arguments.js';
import type { DiskImage } from '../machine/disks.js';
import type { MachineIdentity } from '../machine/identity.js';
import { openDisk } from '../process/guest-files.js';
import { BLOCKDEV_TIMEOUT_MS, closeNodes } from './block-nodes.js';
import type { Entry } from './entry.js';
import type { Watch } from './watch.js';

/** Closes a disk that no device uses any longer: its nodes, and the files that QEMU had for them. */
export const closeDisk = (watch: Watch, number: number): Promise<void> =>
  closeNodes(watch, [diskNodeName(number), fileNodeName(number)]);

/**
 * Plugs a disk into a running guest: QMP `blockdev-add` and `device_add`.
 * @throws when that fails; QEMU is then as before
 */
export const plugDisk = async (
  entry: Entry,
  watch: Watch,
  disk: AttachedDisk,
  image: DiskImage,
  machine: MachineIdentity,
): Promise<void> => {
  const opened: string[] = [];
  const files: Parameters<typeof openDisk>[0] = {
    open: async (path, flags, prepare) => {
      const name = await addFile(entry.paths, path, flags, prepare);
      opened.push(name);
      return name;
    },
  };
  // An interrupted call may have opened it.
  await closeDisk(watch, disk.number);
  try {
    const own = await openDisk(files, image, entry.record.uid);
    for (const node of diskNodes(own, disk.number))
      await watch.execute('blockdev-add', node, { timeoutMs: BLOCKDEV_TIMEOUT_MS });
    await watch.execute('device_add', diskDevice(disk, machine), { timeoutMs: BLOCKDEV_TIMEOUT_MS });
  } catch (error) {
    await closeDisk(watch, disk.number).catch(() => {});
    for (const name of opened) await removeFile(watch, name).catch(() => {});
    throw error;
  }
};
