import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { coalesced } from '../../../async/coalesce.js';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { hasDependents, isMissing, listDatasets, zfs, zfsWhenFree } from './command.js';
import type { Layout } from './layout.js';
import { moveDataset } from './mounts.js';

/** Set on what is as good as gone. */
export const DELETED_PROPERTY = 'mistify:deleted';

/**
 * Where datasets are made before they are renamed to where they belong. What nobody is at work on there is rubbish,
 * and so is what is marked as deleted anywhere.
 */
export class WorkArea {
  readonly #layout: Layout;
  readonly #log: Logger;
  readonly #inUse = new Set<string>();
  /**
   * Destroys what nobody is at work on. One at a time: what one has listed must not be made anew, after another
   * destroyed it, before its turn comes.
   */
  readonly sweep = coalesced(() => this.#sweepNow());

  constructor(layout: Layout, log: Logger) {
    this.#layout = layout;
    this.#log = log;
  }

  /** The name of a dataset to be made, which is left alone until it is moved into place or discarded. */
  claim(purpose: string): string {
    const dataset = `${this.#layout.work.dataset}/${purpose}-${randomBytes(6).toString('hex')}`;
    this.#inUse.add(dataset);
    return dataset;
  }

  /** Puts a finished dataset where it belongs: with all that is below it, or not at all. */
  async moveIntoPlace(dataset: string, target: string): Promise<void> {
    if (await this.#isTaken(target))
      throw new Error(`${target} is deleted but still there: try again when nobody downloads of it any more`);
    await moveDataset(dataset, target);
    this.#inUse.delete(dataset);
  }

  /** Destroys what was claimed, if it was made. What still builds on it keeps it until that is gone too. */
  async discard(dataset: string): Promise<void> {
    this.#inUse.delete(dataset);
    await this.sweep();
  }

  /** Marks a dataset as deleted, at once, and destroys it. */
  async remove(dataset: string): Promise<void> {
    // Not by a rename, which would unmount what is being downloaded of it.
    await zfs('set', `${DELETED_PROPERTY}=true`, dataset);
    await this.sweep();
  }

  /** Empties it of what an earlier process left, files included. */
  async clear(): Promise<void> {
    await this.sweep();
    const { mountpoint } = this.#layout.work;
    const left = new Set((await this.#listRubbish()).map((dataset) => dataset.split('/').at(-1)));
    for (const name of await readdir(mountpoint))
      if (!left.has(name)) await rm(join(mountpoint, name), { recursive: true, force: true });
  }

  /** In rounds, as one may build on another. */
  async #sweepNow(): Promise<void> {
    for (;;) {
      const destroyed = [];
      for (const dataset of await this.#listRubbish()) destroyed.push(await this.#destroy(dataset));
      if (!destroyed.includes(true)) return;
    }
  }

  async #isTaken(dataset: string): Promise<boolean> {
    const find = (): Promise<string[][]> => listDatasets(['name'], dataset);
    if ((await find()).length === 0) return false;
    await this.sweep();
    return (await find()).length > 0;
  }

  async #listRubbish(where = ['-r', '-d', '2', this.#layout.root]): Promise<string[]> {
    const { work } = this.#layout;
    const rows = await listDatasets(['name', DELETED_PROPERTY], '-t', 'filesystem,volume', ...where);
    return rows
      .filter(
        ([name = '', deleted]) =>
          deleted === 'true' || (name.startsWith(`${work.dataset}/`) && !this.#inUse.has(name)),
      )
      .map(([name = '']) => name);
  }

  async #destroy(dataset: string): Promise<boolean> {
    try {
      // The ones before may have taken long: it must be rubbish still.
      if ((await this.#listRubbish([dataset])).length === 0) return false;
      await zfsWhenFree('destroy', '-r', dataset);
      return true;
    } catch (error) {
      if (isMissing(error)) return true;
      // It goes when that has gone.
      if (!hasDependents(error)) this.#log.warn(`${dataset} is left behind for now: ${errorMessage(error)}`);
      return false;
    }
  }
}
