import { copyFile, rm, stat, truncate } from 'node:fs/promises';
import { isErrno } from '../../../errors.js';

/** 8 MB; the previous log takes as much again. */
export const MAX_LOG_BYTES = 8 * 2 ** 20;

/**
 * Copies a log that is longer than `maxBytes` to `<path>.1` and truncates it. QEMU has the file open in append mode
 * and keeps writing at its new end; what it writes between the copy and the truncation is lost. On a full disk the log is
 * truncated without a copy.
 */
export const capLog = async (path: string, maxBytes = MAX_LOG_BYTES): Promise<void> => {
  const size = await stat(path).then(
    (file) => file.size,
    () => 0,
  );
  if (size <= maxBytes) return;
  await copyFile(path, `${path}.1`).catch(async (error) => {
    if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error;
    // A log that could not be cut would keep the disk full.
    await rm(`${path}.1`, { force: true });
  });
  await truncate(path);
};
