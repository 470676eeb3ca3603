import type { Consistency } from '../../model/snapshot.js';
import type { QmpClient } from '../../qmp/client.js';
import type { ByteStream } from '../../rpc/protocol/byte-stream.js';
import type { ImageFormat } from './image-format.js';

/** An image in the store. */
export interface StoredImage {
  id: string;
  /** Bytes, the size of the disk that it makes; 0 when it cannot be read. */
  virtualSize: number;
  /** Why it cannot be read, and is good for nothing but to be deleted. */
  unreadable?: string;
  /** The store's name for it. */
  volume: string;
}

/** A fetched file whose content has been looked at and found harmless. */
export interface CheckedFile {
  path: string;
  format: ImageFormat;
}

/** A disk as it is asked for. */
export interface DiskDefinition {
  bus: string;
  device: string;
  /** The image it is a clone of; `""` for a blank disk. */
  image: string;
  /** MB asked for; 0 for the image's own size. */
  requested: number;
}

/** A disk as it is there. */
export interface StoredDisk extends DiskDefinition {
  /** Its number among the guest's disks, from 0. */
  index: number;
  /** MB. */
  size: number;
  volume: string;
  /** Absolute path of the file or block device. */
  source: string;
}

/** A snapshot of one disk. */
export interface StoredSnapshot {
  name: string;
  consistency: Consistency;
}

/**
 * A back end: images, the disks cloned from them, and those disks' snapshots. Callers hold the locks of the
 * guests and images concerned, and have checked that what they ask for makes sense.
 */
export interface DiskStore {
  /** Where things are fetched to and put together; on the store's own file system, empty when the store is opened. */
  readonly workDir: string;
  /** @throws with what keeps it from working */
  check(): Promise<void>;

  listImages(): Promise<StoredImage[]>;
  findImage(id: string): Promise<StoredImage | undefined>;
  /** Takes a file's content in as an image: whole, or not at all. */
  addImage(id: string, file: CheckedFile): Promise<StoredImage>;
  /** An independent copy, sharing blocks where the file system can. */
  copyImage(id: string, dest: string): Promise<StoredImage>;
  deleteImage(id: string): Promise<void>;
  /** The guests with disks that build on an image. */
  guestsOfImage(id: string): Promise<string[]>;

  /** A guest's disks by number; `undefined` for a guest that is not in the store. */
  findDisks(guest: string): Promise<StoredDisk[] | undefined>;
  /** Makes all disks of a guest that has none: all, or none at all. */
  createDisks(guest: string, disks: DiskDefinition[]): Promise<StoredDisk[]>;
  /** Removes a guest's disks with their snapshots; succeeds when there are none. */
  deleteDisks(guest: string): Promise<void>;
  /** @throws when the disk is missing or damaged; only looks at it lightly when `running` */
  checkDisk(disk: StoredDisk, running: boolean): Promise<void>;

  /** Puts right what a process that was killed at work left on a stopped guest's disk. */
  repair(disk: StoredDisk): Promise<void>;

  /** A disk's snapshots, oldest first. */
  snapshots(disk: StoredDisk): Promise<StoredSnapshot[]>;
  /**
   * Takes a snapshot of each of the disks, one disk or all of its guest's: all or none. Its consistency is `crash`
   * until `setConsistency`.
   * @param live the monitor of the guest's QEMU when it is running, as for `deleteSnapshot`
   */
  createSnapshot(disks: StoredDisk[], name: string, live?: QmpClient): Promise<void>;
  setConsistency(disks: StoredDisk[], name: string, consistency: Consistency): Promise<void>;
  deleteSnapshot(disks: StoredDisk[], name: string, live?: QmpClient): Promise<void>;
  /**
   * Brings a stopped guest's disk back to a snapshot, and destroys those taken after it.
   * @param newer those, oldest first
   */
  rollback(disk: StoredDisk, name: string, newer: string[]): Promise<void>;
  /** @throws when something outside the store builds on one of the snapshots, so that they cannot be destroyed */
  requireUnused(disks: StoredDisk[], names: string[]): Promise<void>;
  /**
   * The raw bytes of a snapshot. Resolves once the first bytes are there; the stream ends only when all have
   * been read, and is destroyed with an error otherwise. Destroying it, or `signal`, stops the work.
   */
  readSnapshot(disk: StoredDisk, name: string, signal: AbortSignal): Promise<Required<ByteStream>>;
}
