import { copyFile, stat, truncate } from 'node:fs/promises';

/** 8 MB, and as much again for the log before it. */
export const MAX_LOG_BYTES = 8 * 2 ** 20;

/**
 * Keeps what QEMU writes bounded: a log that has grown too long is copied to `<path>.1` and emptied. QEMU has it
 * open for appending and writes on at its new end; what it writes between copy and emptying is lost.
 */
export const boundLog = async (path: string, maxBytes = MAX_LOG_BYTES): Promise<void> => {
  const size = await stat(path).then(
    (file) => file.size,
    () => 0,
  );
  if (size <= maxBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path);
};
