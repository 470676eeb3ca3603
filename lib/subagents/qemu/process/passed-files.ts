import { type FileHandle, open } from 'node:fs/promises';

/** The first descriptor after standard input, output and error. */
const FIRST_FD = 3;

/**
 * Files that the sub-agent opens and passes to QEMU as descriptors (`-add-fd` in qemu(1)), so that QEMU needs no
 * permission on their paths. QEMU picks a descriptor by its access mode: open each file as QEMU will use it.
 */
export class PassedFiles {
  readonly #handles: FileHandle[] = [];

  /**
   * Opens a file and returns the name under which QEMU opens it.
   * @param prepare runs on the open file
   */
  async open(path: string, flags: number, prepare?: (file: FileHandle) => Promise<void>): Promise<string> {
    const file = await open(path, flags, 0o600);
    this.#handles.push(file);
    await prepare?.(file);
    return `/dev/fdset/${this.#handles.length - 1}`;
  }

  /** The descriptors in the order in which the process must receive them, from 3 on. */
  get fds(): number[] {
    return this.#handles.map(({ fd }) => fd);
  }

  /** The options that tell QEMU about the descriptors. */
  get args(): string[] {
    return this.#handles.flatMap((_, index) => ['-add-fd', `fd=${FIRST_FD + index},set=${index}`]);
  }

  /** The first descriptor after those of the files. */
  get nextFd(): number {
    return FIRST_FD + this.#handles.length;
  }

  /** Closes the files in this process; QEMU has descriptors of its own. */
  async close(): Promise<void> {
    await Promise.all(this.#handles.map((file) => file.close()));
  }
}
