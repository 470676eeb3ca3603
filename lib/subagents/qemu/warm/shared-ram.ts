import type { FileHandle } from 'node:fs/promises';
import { sealedCopy } from './sealed-copy.js';

interface Held {
  warm: string;
  file: Promise<FileHandle>;
}

/**
 * The memory of warm templates that their clones map. It is made at the first start of a clone, and kept until the template
 * is warmed again, cooled or deleted; clones that run keep what they have mapped.
 */
export class SharedRam {
  readonly #held = new Map<string, Held>();

  /**
   * Returns the memory of a template, open for reading.
   * @param warm the id of the template's `WarmRecord`
   * @param path the file of the memory
   */
  async open(template: string, warm: string, path: string): Promise<FileHandle> {
    let held = this.#held.get(template);
    if (held?.warm !== warm) {
      await this.release(template);
      held = { warm, file: sealedCopy(path) };
      this.#held.set(template, held);
    }
    try {
      return await held.file;
    } catch (error) {
      // The next start tries again.
      if (this.#held.get(template) === held) this.#held.delete(template);
      throw error;
    }
  }

  /** Closes the memory of a template. */
  async release(template: string): Promise<void> {
    const held = this.#held.get(template);
    this.#held.delete(template);
    await held?.file.then((file) => file.close()).catch(() => undefined);
  }

  async close(): Promise<void> {
    for (const template of [...this.#held.keys()]) await this.release(template);
  }
}
