import type { Readable } from 'node:stream';
import type { ImageFormat } from '../../model/image-formats.js';
import type { Consistency } from '../../model/snapshot.js';
import type { OpenFile } from './qemu-img.js';

/** An image in the store. */
export interface StoredImage {
  id: string;
  /** The size of its disk in bytes; 0 when the image is unreadable. */
  virtualSize: number;
  /** Bytes that it takes in the store. */
  usedBytes?: number;
  /** Why the image cannot be read. An unreadable image can only be deleted. */
  unreadable?: string;
  /** The store's name for the image. */
  volume: string;
}

/** A fetched file that passed inspection. */
export interface CheckedFile {
  path: string;
  format: ImageFormat;
  /** The files that QEMU's tools inherit when `path` names one of these: see `openFileName`. */
  files?: readonly OpenFile[];
  /** @throws when the file is no longer the one that passed inspection */
  requireUnchanged?: () => Promise<void>;
}

/** The file or device that has an image's bytes. */
export interface ImageFile {
  path: string;
  format: 'qcow2' | 'raw';
}

/** A disk as requested. */
export interface DiskDefinition {
  bus: string;
  device: string;
  /** The image to clone; `""` for a blank disk. */
  image: string;
  /** Requested size in MB; 0 for the image's own size. */
  requested: number;
}

/** A disk to create from a file, which is removed once it is copied. */
export interface DiskImport {
  /** Without an image. */
  definition: DiskDefinition;
  file: CheckedFile;
}

/** How a disk came to a guest that existed, and how it left. Times are seconds since 1970. */
export interface Addition {
  /** The job that added it, if a job did. */
  addedBy?: string | undefined;
  addedAt?: number;
  /** When it was removed without its data. */
  keptAt?: number;
}

/** A disk in the store. */
export interface StoredDisk extends DiskDefinition, Addition {
  /** Its number among the guest's disks, which it keeps for its life. */
  index: number;
  /** Actual size in MB. */
  size: number;
  volume: string;
  /** Absolute path of the file or block device. */
  source: string;
}

/** What a clone is made from. */
export interface CloneSource {
  disks: StoredDisk[];
  /** UEFI variables to copy. */
  nvram?: StoredDisk | undefined;
  /** The snapshot to clone; absent for the present state of a guest that is off and stays as it is. */
  snapshot?: string | undefined;
}

/** How a clone is made. */
export interface CloneOptions {
  /** Whether its disks build on those of the source, instead of being copies. */
  linked: boolean;
  /** Adds files that belong to the guest to the directory of its disks, before they are in place. */
  addFiles: (dir: string) => Promise<void>;
  signal?: AbortSignal | undefined;
}

/** One disk's part of a rollback. */
export interface DiskRollback {
  disk: StoredDisk;
  /** The snapshots to destroy, oldest first. */
  newer: string[];
}

/** An operation that changes the snapshots of disks. */
export type SnapshotAction = 'create' | 'delete' | 'rollback';

/** A remainder that a deletion could not remove yet. */
export interface Leftover {
  /** The store's name for it. */
  volume: string;
  /** The space that it takes. */
  bytes: number;
  /** Why it remains, and what to do. */
  reason: string;
}

/** A disk's bytes, and their number. */
export interface SizedStream {
  bytes: Readable;
  length: number;
}

/** A list of changed blocks that QEMU keeps with a disk: docs/interop/bitmaps.rst of QEMU. */
export interface Bitmap {
  name: string;
  /** Whether changes were not recorded in it: QEMU was killed. */
  isLost: boolean;
  /** Whether changes are being recorded in it. */
  isRecording: boolean;
}

/** Reads and changes the bitmaps of disks, of a running guest or of one that is off. */
export interface Bitmaps {
  list(disk: StoredDisk): Promise<Bitmap[]>;
  add(disk: StoredDisk, name: string): Promise<void>;
  /** Marks in `into` what is marked in `from`. */
  merge(disk: StoredDisk, into: string, from: string): Promise<void>;
  enable(disk: StoredDisk, name: string): Promise<void>;
  remove(disk: StoredDisk, name: string): Promise<void>;
}

/** Captures disks of a guest as they are at one instant, beside their snapshots. */
export interface Captures {
  take(disks: readonly StoredDisk[]): Promise<void>;
  /**
   * Opens what was captured of a disk for another program, which may read it until `drop`.
   * @param work starts the program
   */
  withCaptured<T>(disk: StoredDisk, work: (file: OpenedDisk & { bytes: number }) => Promise<T>): Promise<T>;
  /** Drops what was captured of disks, if anything was. */
  drop(disks: readonly StoredDisk[]): Promise<void>;
}

/** A disk's file, as a program of QEMU gets it. */
export interface OpenedDisk {
  /** The name under which the program opens it. */
  name: string;
  /** The files that the program inherits. */
  files: readonly OpenFile[];
  /** The group of the sandbox: see `sandboxed`. */
  gid: number | undefined;
}

/** The space of the file system or pool that holds a store. */
export interface StoreSpace {
  sizeBytes: number;
  /** What is left for the store. */
  freeBytes: number;
  /** What is taken, also by others that share the file system or pool. */
  usedBytes: number;
}

/** A snapshot of one disk. */
export interface StoredSnapshot {
  name: string;
  consistency: Consistency;
  /** When it was taken, in seconds since 1970. */
  createdAt?: number | undefined;
  description?: string | undefined;
}
