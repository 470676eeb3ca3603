import pRetry from 'p-retry';
import { findBlockNode } from '../../shared/block-nodes.js';
import { removeFile } from '../../shared/qemu-files.js';
import type { Watch } from './watch.js';

/** Opening or closing a disk reads or writes its tables, which takes long on a busy host. */
export const BLOCKDEV_TIMEOUT_MS = 60_000;

/** About five seconds in all. */
const IN_USE_RETRIES = { retries: 12, factor: 1.5, minTimeout: 20, maxTimeout: 1000 };

/**
 * Deletes a block node. QEMU lets go of it only some time after it has removed the device that used it, and another call
 * may delete it at the same time.
 */
const deleteNode = (watch: Watch, name: string): Promise<void> =>
  pRetry(async () => {
    if (!(await findBlockNode(watch, name))) return;
    await watch.execute('blockdev-del', { 'node-name': name }, { timeoutMs: BLOCKDEV_TIMEOUT_MS });
  }, IN_USE_RETRIES);

/** Matches the names of files that QEMU inherits, in a description of a node. */
const PASSED_FILES = /\/dev\/fdset\/\d+/g;

/**
 * Closes block nodes that no device uses any longer, and the files that QEMU had for them.
 * @param names the node that the device used first, then those below it that have names of their own
 */
export const closeNodes = async (watch: Watch, names: readonly [string, ...string[]]): Promise<void> => {
  const node = await findBlockNode(watch, names[0]);
  const files = new Set(node ? JSON.stringify(node).match(PASSED_FILES) : []);
  for (const name of names) await deleteNode(watch, name);
  // A second time in case of an error: another call may have removed it at the same time.
  for (const file of files) await removeFile(watch, file).catch(() => removeFile(watch, file));
};
