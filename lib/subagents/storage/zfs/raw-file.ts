import { open } from 'node:fs/promises';
import { isRoot } from '../../../process/unprivileged.js';
import { openFileName } from '../qemu-img.js';
import type { OpenedDisk } from '../stored.js';

/** Opens a raw file or a block device for another program, which never looks for another format in it. */
export const withRawDisk = async <T>(
  path: string,
  mode: 'read' | 'write',
  work: (file: OpenedDisk) => Promise<T>,
): Promise<T> => {
  const file = await open(path, mode === 'write' ? 'r+' : 'r');
  try {
    const stats = await file.stat();
    const isDevice = stats.isBlockDevice();
    const node = { driver: isDevice ? 'host_device' : 'file', filename: openFileName(0) };
    return await work({
      name: `json:${JSON.stringify({ driver: 'raw', 'read-only': mode === 'read', file: node })}`,
      files: [{ fd: file.fd, path }],
      // Only root may open a device by its name.
      gid: isRoot() && !isDevice && stats.uid !== 0 ? stats.gid : undefined,
    });
  } finally {
    await file.close();
  }
};
