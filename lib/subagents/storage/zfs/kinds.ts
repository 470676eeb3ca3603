import { access, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pRetry from 'p-retry';
import { sync } from '../../../files/atomic-files.js';
import { MB } from '../../../model/units.js';
import { zfs, zfsWhenFree } from './command.js';
import { type Layout, mountpointOf } from './layout.js';

/** What disks are made of: volumes where the host has them, otherwise a file in a dataset each. */
export interface DiskKind {
  /** Where a dataset's bytes are. */
  path(dataset: string): string;
  /** The size, in bytes, that a disk can have so that as many fit on it. */
  roundUp(bytes: number): number;
  /** Makes a blank disk. @param options of `zfs create` */
  create(dataset: string, bytes: number, options: string[]): Promise<void>;
  grow(dataset: string, bytes: number): Promise<void>;
  /** Resolves when the bytes are where `path` says, after a dataset was made or renamed. */
  ready(dataset: string): Promise<void>;
  /** Waits until what was written is on the device. */
  flush(dataset: string): Promise<void>;
  /** Bytes. */
  size(dataset: string): Promise<number>;
}

const FILE_NAME = 'disk';

/** A sparse raw file in a dataset of its own. */
export const fileKind = (layout: Layout): DiskKind => {
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

/** Devices come when udev has seen to them: up to some ten seconds. */
const DEVICE_RETRIES = { retries: 12, factor: 1.5, minTimeout: 20, maxTimeout: 1500 };

/** Sparse volumes. @param devices where the kernel shows them */
export const volumeKind = (devices: string): DiskKind => {
  const path = (dataset: string): string => join(devices, dataset);
  const ready = (dataset: string): Promise<void> => pRetry(() => access(path(dataset)), DEVICE_RETRIES);
  return {
    path,
    ready,
    // A volume has whole blocks only, which are smaller than that.
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
