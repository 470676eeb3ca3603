import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { addFile, removeFile } from '../../shared/qemu-files.js';
import { type DriveMedium, mediumNodeOptions } from '../machine/drives.js';
import { MEDIUM_FLAGS } from '../process/guest-files.js';
import { closeNodes } from './block-nodes.js';
import type { Entry } from './entry.js';
import type { Watch } from './watch.js';

/** The parts of QMP `query-block` in use here. */
interface BlockInfo {
  qdev: string;
  locked: boolean;
  tray_open?: boolean;
  inserted?: { 'node-name'?: string; file: string };
}

/** How long a guest may take to release its drive, and how often to look. */
const TRAY_WAIT_MS = 5000;
const POLL_MS = 100;

const driveInfo = async (watch: Watch, drive: string): Promise<BlockInfo> => {
  const all = await watch.execute<BlockInfo[]>('query-block');
  // QEMU names a device by its id, or by its path in the tree of objects.
  const info = all.find(({ qdev }) => qdev === drive || qdev === `/machine/peripheral/${drive}`);
  if (!info) throw new Refusal('conflict', `the guest has no drive ${drive}: it gets one at its next start`);
  return info;
};

const isOpenWithin = async (watch: Watch, drive: string, ms: number): Promise<boolean> => {
  for (let left = ms; left > 0; left -= POLL_MS) {
    if ((await driveInfo(watch, drive)).tray_open) return true;
    await sleep(POLL_MS);
  }
  return false;
};

/**
 * Opens a drive's tray. QEMU asks the guest first when the guest has locked it, and says nothing of the outcome.
 * @throws {Refusal} `conflict` when the guest keeps it closed
 */
const openTray = async (watch: Watch, drive: string, force: boolean): Promise<void> => {
  await watch.execute('blockdev-open-tray', { id: drive });
  if (await isOpenWithin(watch, drive, TRAY_WAIT_MS)) return;
  if (!force)
    throw new Refusal(
      'conflict',
      `the guest keeps drive ${drive} closed, because it uses the CD: unmount the CD in the guest, or open the drive nevertheless (force=true, --force)`,
    );
  await watch.execute('blockdev-open-tray', { id: drive, force: true });
};

/** Takes the medium out of an open drive. */
const removeMedium = async (watch: Watch, drive: string): Promise<void> => {
  const { inserted } = await driveInfo(watch, drive);
  if (!inserted) return;
  await watch.execute('blockdev-remove-medium', { id: drive });
  const node = inserted['node-name'];
  if (node === undefined) return;
  await closeNodes(watch, [node]);
};

const insertMedium = async (
  entry: Entry,
  watch: Watch,
  { device, node, image }: DriveMedium,
): Promise<void> => {
  const filename = await addFile(entry.paths, image.filename, MEDIUM_FLAGS);
  try {
    await watch.execute('blockdev-add', mediumNodeOptions(node, { ...image, filename }));
  } catch (error) {
    await removeFile(watch, filename).catch(() => undefined);
    throw error;
  }
  await watch.execute('blockdev-insert-medium', { id: device, 'node-name': node });
};

/**
 * Changes what is in a drive of a running guest. Does nothing when that is in it already.
 * @param medium what to insert; `undefined` to eject
 * @throws {Refusal} `conflict` when the guest keeps the drive closed; the medium is then still in it
 */
export const changeMedium = async (
  entry: Entry,
  watch: Watch,
  drive: string,
  medium: DriveMedium | undefined,
  force: boolean,
): Promise<void> => {
  const { inserted, tray_open: isOpen = false } = await driveInfo(watch, drive);
  if (inserted?.['node-name'] === medium?.node && !isOpen) return;
  if (!isOpen && inserted) await openTray(watch, drive, force);
  else if (!isOpen) await watch.execute('blockdev-open-tray', { id: drive, force: true });
  try {
    await removeMedium(watch, drive);
    if (medium) await insertMedium(entry, watch, medium);
  } finally {
    await watch.execute('blockdev-close-tray', { id: drive });
  }
};
