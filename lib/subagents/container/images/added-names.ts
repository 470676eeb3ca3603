import pLimit from 'p-limit';
import type { Engine } from '../engine.js';
import { parseImageName } from './names.js';
import { findImage } from './pull.js';

/**
 * Keeps the names that images get. Podman 4.3 loses names when an image gets two at the same time. Loads may overlap,
 * so after each load this restores the names that overlapping loads added.
 */
export class AddedNames {
  readonly #engine: Engine;
  readonly #restoring = pLimit(1);
  /** The ids of images by the names that they got while others were running. */
  readonly #added = new Map<string, string>();
  #running = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Runs work that changes an image's names, and restores the names that other work lost because of it. */
  async watch<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      await this.#restoring(() => this.#restore());
      this.#running -= 1;
      if (this.#running === 0) this.#added.clear();
    }
  }

  /**
   * Remembers the name that an image just got.
   * @returns false when the image has lost it already
   */
  async add(name: string): Promise<boolean> {
    const image = await findImage(this.#engine, name);
    if (image) this.#added.set(name, image.Id);
    return image !== undefined;
  }

  forget(name: string): void {
    this.#added.delete(name);
  }

  async #restore(): Promise<void> {
    // Without overlapping work, no name can be lost.
    if (this.#running === 1 && this.#added.size <= 1) return;
    for (const [name, id] of [...this.#added]) {
      const { repository, tag } = parseImageName(name);
      if (tag === '' || (await findImage(this.#engine, name))) continue;
      // The image may have been deleted meanwhile.
      await this.#engine.find((docker) => docker.getImage(id).tag({ repo: repository, tag }));
    }
  }
}
