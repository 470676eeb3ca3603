import type { FileHandle } from 'node:fs/promises';
import type { Capacity } from '../guests/capacity.js';
import type { WarmRecord } from './record.js';
import { sealedCopy } from './sealed-copy.js';

/** A copy that running guests map. It counts as memory of guests that run, once for all of them. */
export type SharedMemory = Pick<WarmRecord, 'id' | 'size'>;

interface Copy extends SharedMemory {
  template: string;
  file: Promise<FileHandle>;
}

const closeCopy = ({ file }: Copy): Promise<void> => file.then((open) => open.close()).catch(() => undefined);

/**
 * The memory of warm templates that their clones map. It is made at the first start of a clone, and kept until the template
 * is warmed again, cooled or deleted, or other guests need the room while no clone maps it. Clones that run keep what they
 * have mapped, and it counts until the last of them is off.
 */
export class SharedRam {
  readonly #capacity: Capacity;
  readonly #makeCopy: typeof sealedCopy;
  /** By template. */
  readonly #copies = new Map<string, Copy>();
  /** The guests that map a copy, by the id of its `WarmRecord`. */
  readonly #users = new Map<string, Set<string>>();

  constructor(capacity: Capacity, makeCopy = sealedCopy) {
    this.#capacity = capacity;
    this.#makeCopy = makeCopy;
  }

  /**
   * Returns the memory of a template, open for reading, for a guest that is to map it.
   * @param path the file of the memory
   * @throws {Refusal} `conflict` when the guests that run leave too little memory for a copy
   */
  async open(
    template: string,
    memory: SharedMemory,
    path: string,
    { user }: { user: string },
  ): Promise<FileHandle> {
    if (this.#copies.get(template)?.id !== memory.id) await this.release(template);
    const what = `the memory of template ${template}, which its clones share,`;
    this.#capacity.check({ id: memory.id, memory: memory.size, cpu: 0, what });
    this.use(user, memory);
    // Nothing may wait between this look and the copy: two starts at once would make two.
    let copy = this.#copies.get(template);
    if (copy?.id !== memory.id) {
      copy = { id: memory.id, size: memory.size, template, file: this.#makeCopy(path) };
      this.#copies.set(template, copy);
    }
    try {
      return await copy.file;
    } catch (error) {
      // The next start tries again.
      if (this.#copies.get(template) === copy) this.#copies.delete(template);
      this.leave(user);
      throw error;
    }
  }

  /** Counts the memory that a guest maps. */
  use(user: string, { id, size }: SharedMemory): void {
    const users = this.#users.get(id) ?? new Set();
    this.#users.set(id, users.add(user));
    this.#capacity.take({ id, memory: size, cpu: 0 });
  }

  /** Counts a guest no longer that has mapped a copy, because it is off. */
  leave(user: string): void {
    for (const [id, users] of this.#users) {
      if (!users.delete(user) || users.size > 0) continue;
      this.#users.delete(id);
      const copy = [...this.#copies.values()].find((each) => each.id === id);
      if (copy) this.#capacity.spare(id, copy.size, () => void this.release(copy.template));
      else this.#capacity.release(id);
    }
  }

  /** Closes the memory of a template. */
  async release(template: string): Promise<void> {
    const copy = this.#copies.get(template);
    if (!copy) return;
    this.#copies.delete(template);
    if (!this.#users.has(copy.id)) this.#capacity.release(copy.id);
    await closeCopy(copy);
  }

  async close(): Promise<void> {
    for (const template of [...this.#copies.keys()]) await this.release(template);
  }
}
