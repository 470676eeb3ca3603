import pRetry from 'p-retry';
import { diskNodeName } from '../../shared/guest-run-dir.js';
import { type AttachedDisk, diskDevice, diskNodes, fileNodeName } from '../machine/disk-arguments.js';
import type { DiskImage } from '../machine/disks.js';
import type { MachineIdentity } from '../machine/identity.js';
import { addFile, removeFile } from '../process/add-file.js';
import { openDisk } from '../process/guest-files.js';
import type { Entry } from './entry.js';
import type { Watch } from './watch.js';

/** Opening a disk reads its tables, which takes long on a busy host. */
const OPEN_TIMEOUT_MS = 60_000;

/** Whether QEMU has a device with an id: QMP `qom-list`. */
export const hasDevice = async (watch: Watch, id: string): Promise<boolean> =>
  (await watch.execute<{ name: string }[]>('qom-list', { path: '/machine/peripheral' })).some(
    ({ name }) => name === id,
  );

type Node = { 'node-name'?: string } & Record<string, unknown>;

const findNode = async (watch: Watch, name: string): Promise<Node | undefined> =>
  (await watch.execute<Node[]>('query-named-block-nodes', { flat: true })).find(
    (node) => node['node-name'] === name,
  );

/** About five seconds in all. */
const IN_USE_RETRIES = { retries: 12, factor: 1.5, minTimeout: 20, maxTimeout: 1000 };

/**
 * Deletes a block node. QEMU lets go of it only some time after it has removed the device that used it, and another call
 * may delete it at the same time.
 */
const deleteNode = (watch: Watch, name: string): Promise<void> =>
  pRetry(async () => {
    if (!(await findNode(watch, name))) return;
    await watch.execute('blockdev-del', { 'node-name': name }, { timeoutMs: OPEN_TIMEOUT_MS });
  }, IN_USE_RETRIES);

/** Matches the names of files that QEMU inherits, in a description of a node. */
const PASSED_FILES = /\/dev\/fdset\/\d+/g;

/** Closes a disk that no device uses any longer: its nodes, and the files that QEMU had for them. */
export const closeDisk = async (watch: Watch, number: number): Promise<void> => {
  const node = await findNode(watch, diskNodeName(number));
  const files = new Set(node ? JSON.stringify(node).match(PASSED_FILES) : []);
  await deleteNode(watch, diskNodeName(number));
  await deleteNode(watch, fileNodeName(number));
  // A second time in case of an error: another call may have removed it at the same time.
  for (const file of files) await removeFile(watch, file).catch(() => removeFile(watch, file));
};

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
      await watch.execute('blockdev-add', node, { timeoutMs: OPEN_TIMEOUT_MS });
    await watch.execute('device_add', diskDevice(disk, machine), { timeoutMs: OPEN_TIMEOUT_MS });
  } catch (error) {
    await closeDisk(watch, disk.number).catch(() => {});
    for (const name of opened) await removeFile(watch, name).catch(() => {});
    throw error;
  }
};
