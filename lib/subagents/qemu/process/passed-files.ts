import { type FileHandle, open } from 'node:fs/promises';

/** Standard input, output and error come first. */
const FIRST_FD = 3;

/**
 * Files that are opened here and handed to QEMU, which so needs no right to their paths: `-add-fd` in qemu(1).
 * QEMU finds each by its number, opened as it will be used.
 */
export class PassedFiles {
  readonly #handles: FileHandle[] = [];

  /**
   * Opens a file and gives back the name that QEMU has to open.
   * @param prepare does what is to be done to the very file
   */
  async open(
    path: string,
    flags: number | string,
    prepare?: (file: FileHandle) => Promise<void>,
  ): Promise<string> {
    const file = await open(path, flags, 0o600);
    this.#handles.push(file);
    await prepare?.(file);
    return `/dev/fdset/${this.#handles.length - 1}`;
  }

  /** Descriptors in the order that the process must have them in, from 3. */
  get fds(): number[] {
    return this.#handles.map(({ fd }) => fd);
  }

  get args(): string[] {
    return this.#handles.flatMap((_, index) => ['-add-fd', `fd=${FIRST_FD + index},set=${index}`]);
  }

  /** Lets go of them here. */
  async close(): Promise<void> {
    await Promise.all(this.#handles.map((file) => file.close()));
  }
}
