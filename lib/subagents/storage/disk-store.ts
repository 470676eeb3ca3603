import type { Consistency } from '../../model/snapshot.js';
import type { QmpClient } from '../../qmp/client.js';
import type { DataMap } from '../shared/disk/data-map.js';
import type { ConvertProgress } from './convert.js';
import type {
  Addition,
  Bitmaps,
  Captures,
  CheckedFile,
  CloneOptions,
  CloneSource,
  DiskDefinition,
  DiskImport,
  DiskRollback,
  ImageFile,
  Leftover,
  OpenedDisk,
  SizedStream,
  SnapshotAction,
  StoredDisk,
  StoredImage,
  StoredSnapshot,
  StoreSpace,
} from './stored.js';

/**
 * A back end: images, the disks cloned from them, and the disks' snapshots. Callers hold the locks of the guests and
 * images concerned and have validated their arguments.
 */
export interface DiskStore {
  /** Directory for unfinished files, on the store's own file system. Empty when the store is opened. */
  readonly workDir: string;
  /** Directory for files that clients send, on the store's own file system. It outlives the process. */
  readonly uploadDir: string;
  /**
   * Checks that the store works.
   * @throws with the reason when it does not
   */
  check(): Promise<void>;

  listImages(): Promise<StoredImage[]>;
  findImage(id: string): Promise<StoredImage | undefined>;
  /** Adds a file's content as an image: completely or not at all. */
  addImage(id: string, file: CheckedFile, progress?: ConvertProgress): Promise<StoredImage>;
  /** As `addImage`, in place of an image if there is one. Disks keep building on the image that they were made of. */
  replaceImage(id: string, file: CheckedFile, progress?: ConvertProgress): Promise<StoredImage>;
  /** Copies an image into an independent one, which shares blocks with it where the file system can. */
  copyImage(id: string, dest: string): Promise<StoredImage>;
  /**
   * Deletes an image.
   * @returns what stays for now
   */
  deleteImage(id: string): Promise<Leftover[]>;
  /** Returns the file or device of an image's newest version, which never changes. */
  imageFile(id: string): Promise<ImageFile>;
  /** Adds the content of a disk's snapshot as an image: completely or not at all. */
  imageOfSnapshot(id: string, disk: StoredDisk, name: string, signal?: AbortSignal): Promise<StoredImage>;
  /** Lists the guests with disks that build on an image. */
  guestsOfImage(id: string): Promise<string[]>;

  /** Returns a guest's disks by number; `undefined` when the store does not know the guest. */
  findDisks(guest: string): Promise<StoredDisk[] | undefined>;
  /** Creates the disks of a guest without disks: all of them or none. */
  createDisks(guest: string, disks: DiskDefinition[]): Promise<StoredDisk[]>;
  /** Whether linked clones of a guest that is off and stays as it is need no snapshot of it. */
  readonly linksPresentState: boolean;
  /**
   * Creates the disks of a guest without disks from those of another guest: all of them or none.
   * @param disks one for each disk of the source, in its order
   */
  cloneDisks(
    guest: string,
    source: CloneSource,
    disks: DiskDefinition[],
    options: CloneOptions,
  ): Promise<StoredDisk[]>;
  /** Returns at most how many bytes a copy of a disk takes. */
  copyBytes(disk: StoredDisk): Promise<number>;
  /**
   * Creates a guest without disks from files: all of its disks, or none.
   * @param fill writes what else belongs in the guest's directory, before the guest is there
   */
  importDisks(
    guest: string,
    disks: readonly DiskImport[],
    fill: (dir: string) => Promise<void>,
  ): Promise<StoredDisk[]>;
  /** Returns the disks that were removed from a guest without their data. */
  keptDisks(guest: string): Promise<StoredDisk[]>;
  /** Creates another disk of a guest that the store knows: completely or not at all. */
  addDisk(guest: string, index: number, disk: DiskDefinition, addition: Addition): Promise<void>;
  /** Makes a kept disk one of the guest's disks again. */
  restoreDisk(guest: string, index: number, bus: string, addition: Addition): Promise<void>;
  /** Removes a disk from a guest, and keeps its data. */
  keepDisk(guest: string, index: number, keptAt: number): Promise<void>;
  /** Deletes a disk, and what an interrupted deletion left of it. It must have no snapshots. */
  removeDisk(guest: string, index: number): Promise<void>;
  /** Returns the bytes of a disk, as the guest sees it. */
  diskBytes(disk: StoredDisk, live?: QmpClient): Promise<number>;
  /**
   * Grows a disk to `bytes`, which must not be less than it has.
   * @param live the monitor of the guest's QEMU if the guest runs
   */
  growDisk(disk: StoredDisk, bytes: number, live?: QmpClient): Promise<void>;
  /** Records the size of a disk, in MB. */
  setSize(disk: StoredDisk, size: number): Promise<void>;
  /**
   * Deletes a guest's disks and their snapshots; succeeds when the guest has none.
   * @returns what stays for now
   */
  deleteDisks(guest: string): Promise<Leftover[]>;
  /** Returns the bytes that each disk takes in the store, `undefined` for one that vanished. */
  diskUse(guest: string, disks: StoredDisk[]): Promise<(number | undefined)[]>;
  space(): Promise<StoreSpace>;
  /** Lists what remains of deleted guests and images. */
  leftovers(): Promise<Leftover[]>;
  /** Returns the directory of a guest's disks, for files that belong to the guest. */
  guestDir(guest: string): string;
  /**
   * Checks a disk.
   * @param running limits the check to what a running QEMU permits
   * @throws when the disk is missing or damaged
   */
  checkDisk(disk: StoredDisk, running: boolean): Promise<void>;

  /** Repairs what a killed process may have left inconsistent on a stopped guest's disk. */
  repair(disk: StoredDisk): Promise<void>;

  /** Lists a disk's snapshots, oldest first. */
  snapshots(disk: StoredDisk): Promise<StoredSnapshot[]>;
  /**
   * Returns the bytes that only each of a disk's snapshots holds, by name, as far as the store knows them.
   * @param names the snapshots that are asked for
   */
  snapshotBytes(disk: StoredDisk, names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Takes a snapshot of each disk, or of none. The snapshot's consistency is `crash` until `setConsistency`, and it has no
   * description until `setDescription`.
   * @param disks one disk, or all disks of a guest
   * @param live the monitor of the guest's QEMU if the guest runs; also for `deleteSnapshot`
   */
  createSnapshot(disks: StoredDisk[], name: string, live?: QmpClient): Promise<void>;
  setConsistency(disks: StoredDisk[], name: string, consistency: Consistency): Promise<void>;
  /** @param description `""` removes it */
  setDescription(disks: StoredDisk[], name: string, description: string): Promise<void>;
  deleteSnapshot(disks: StoredDisk[], name: string, live?: QmpClient): Promise<void>;
  /** As `deleteSnapshot`, but a snapshot on which clones build is deleted with the last of them. */
  expireSnapshot(disks: StoredDisk[], name: string, live?: QmpClient): Promise<void>;
  /** Whether a running QEMU may forget a snapshot of these disks whose deletion fails because the device is full. */
  mayForget(disks: StoredDisk[]): Promise<boolean>;
  /** Whether a running QEMU has forgotten a snapshot that one of these disks still has: it is half deleted. */
  hasForgotten(disks: StoredDisk[], name: string, live: QmpClient): Promise<boolean>;
  /**
   * Rolls disks of a stopped guest back to a snapshot and destroys the newer snapshots: of all disks or of none.
   * @throws {TornError} when only some disks are rolled back, and that can be neither undone nor completed now
   */
  rollback(steps: DiskRollback[], name: string): Promise<void>;
  /**
   * Lists what keeps disks of a stopped guest from `action`: programs that have them open.
   * @returns one obstacle each, in words
   */
  openedBy(disks: StoredDisk[], action: SnapshotAction): Promise<string[]>;
  /**
   * Lists what keeps snapshots from being destroyed, such as clones outside the store.
   * @returns one obstacle each, in words
   */
  heldBy(disks: StoredDisk[], names: string[]): Promise<string[]>;
  /** How disks are backed up: by their bitmaps, here those of guests that are off, or by capturing them. */
  readonly backsUpBy: { bitmaps: Bitmaps } | { captures: Captures };
  /** Keeps the present state of a stopped guest's disk, beside its snapshots. */
  keepState(disk: StoredDisk): Promise<void>;
  /** Gives a stopped guest's disk the state that was kept, if one was, and drops that. */
  returnToKept(disk: StoredDisk): Promise<void>;
  /** Drops the state of a stopped guest's disk that was kept, if one was. */
  dropKept(disk: StoredDisk): Promise<void>;
  /**
   * Opens the disk of a stopped guest for another program, which keeps others from writing to it.
   * @param work starts the program
   */
  withOpenDisk<T>(
    disk: StoredDisk,
    mode: 'read' | 'write',
    work: (file: OpenedDisk) => Promise<T>,
  ): Promise<T>;
  /**
   * Streams the raw bytes of a snapshot; resolves once the first bytes are available. The stream ends only after the
   * last byte; on failure it is destroyed with an error. Destroying the stream, or aborting `signal`, stops the reader.
   */
  readSnapshot(disk: StoredDisk, name: string, signal: AbortSignal): Promise<SizedStream>;
  /** Whether `mapSnapshot` reads the whole disk, which takes long, rather than its tables. */
  readonly mapsByReading: boolean;
  /** Finds out which parts of a snapshot have data. */
  mapSnapshot(disk: StoredDisk, name: string, signal: AbortSignal): Promise<DataMap>;
}
