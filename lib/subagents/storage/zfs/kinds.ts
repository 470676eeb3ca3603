import { access, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pRetry from 'p-retry';
import { sync } from '../../../files/atomic-files.js';
import { MB } from '../../../model/units.js';
import { zfs, zfsWhenFree } from './command.js';
import { mountpointOf, type ZfsLayout } from './layout.js';

/** How disks are stored: as volumes where the host supports them, otherwise as one file per dataset. */
export interface DiskKind {
  /** Path of a dataset's bytes: a device or a file. */
  path(dataset: string): string;
  /** Rounds bytes up to a size that a disk can have. */
  roundUp(bytes: number): number;
  /**
   * Creates a blank disk.
   * @param options options of `zfs create`
   */
  create(dataset: string, bytes: number, options: string[]): Promise<void>;
  grow(dataset: string, bytes: number): Promise<void>;
  /** Resolves once `path` exists after a dataset was created or renamed. */
  ready(dataset: string): Promise<void>;
  /** Syncs written bytes to the device. */
  flush(dataset: string): Promise<void>;
  /** Size in bytes. */
  size(dataset: string): Promise<number>;
}

const FILE_NAME = 'disk';

/** Stores each disk as a sparse raw file in its own dataset. */
export const fileKind = (layout: ZfsLayout): DiskKind => {
  const path = (dataset: string): string => join(mountpointOf(layout, dataset), FILE_NAME);
  const resize = async (dataset: string, bytes: number): Promise<void> => {
    const file = await open(path(dataset), 'a', 0o600);
    try {
      await file.truncate(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  };
  return {
    path,
    roundUp: (bytes) => bytes,
    create: async (dataset, bytes, options) => {
      await zfsWhenFree('create', ...options, dataset);
      await resize(dataset, bytes);
    },
    grow: resize,
    ready: async () => undefined,
    flush: (dataset) => sync(path(dataset)),
    size: async (dataset) => (await stat(path(dataset))).size,
  };
};

/** udev creates devices asynchronously: wait for up to about ten seconds. */
const DEVICE_RETRIES = { retries: 12, factor: 1.5, minTimeout: 20, maxTimeout: 1500 };

/**
 * Stores disks as sparse volumes.
 * @param devices the directory of their devices, `/dev/zvol`
 */
export const volumeKind = (devices: string): DiskKind => {
  const path = (dataset: string): string => join(devices, dataset);
  const ready = (dataset: string): Promise<void> => pRetry(() => access(path(dataset)), DEVICE_RETRIES);
  return {
    path,
    ready,
    // A volume's size must be a multiple of its block size, which divides a MB.
    roundUp: (bytes) => Math.ceil(bytes / MB) * MB,
    create: async (dataset, bytes, options) => {
      await zfsWhenFree('create', '-s', '-V', String(bytes), ...options, dataset);
      await ready(dataset);
    },
    grow: async (dataset, bytes) => {
      await zfsWhenFree('set', `volsize=${bytes}`, dataset);
    },
    flush: async (dataset) => {
      await ready(dataset);
      await sync(path(dataset));
    },
    size: async (dataset) => Number((await zfs('get', '-H', '-p', '-o', 'value', 'volsize', dataset)).trim()),
  };
};
