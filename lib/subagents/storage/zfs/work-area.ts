import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { coalesce } from '../../../async/coalesce.js';
import { errorMessage } from '../../../errors.js';
import type { Logger } from '../../../log.js';
import { hasDependents, isDatasetMissing, listDatasets, zfs, zfsWhenFree } from './command.js';
import { hasHolds } from './holds.js';
import type { ZfsLayout } from './layout.js';
import { moveDataset } from './mounts.js';

/** Marks a dataset as deleted until it can be destroyed. */
export const DELETED_PROPERTY = 'mistify:deleted';

/**
 * The place where datasets are created before they are renamed into place. Its unclaimed datasets are garbage, and so
 * are the store's datasets marked as deleted.
 */
export class WorkArea {
  readonly #layout: ZfsLayout;
  readonly #log: Logger;
  readonly #claimed = new Set<string>();
  /** Why garbage could not be destroyed when it was last tried. */
  readonly #failures = new Map<string, string>();
  /**
   * Destroys garbage. Sweeps run one at a time: otherwise, one could destroy a dataset that was created again after
   * another had destroyed the listed one.
   */
  readonly sweep = coalesce(() => this.#sweepNow());

  constructor(layout: ZfsLayout, log: Logger) {
    this.#layout = layout;
    this.#log = log;
  }

  /** Reserves the name of a new dataset. Sweeps spare it until it is moved into place or discarded. */
  claim(purpose: string): string {
    const dataset = `${this.#layout.work.dataset}/${purpose}-${randomBytes(6).toString('hex')}`;
    this.#claimed.add(dataset);
    return dataset;
  }

  /**
   * Renames a finished dataset, with its children, to its final name.
   * `isTaken` must have been false for that name.
   */
  async moveIntoPlace(dataset: string, target: string): Promise<void> {
    await moveDataset(dataset, target);
    this.#claimed.delete(dataset);
  }

  /** Releases a claim and destroys the dataset, if it exists. While clones depend on it, a later sweep destroys it. */
  async discard(dataset: string): Promise<void> {
    this.#claimed.delete(dataset);
    await this.sweep();
  }

  /**
   * Marks a dataset as deleted and destroys it, now or in a later sweep: once nothing holds it.
   * @returns why it is not destroyed yet, as zfs(8) says it
   */
  async remove(dataset: string): Promise<string | undefined> {
    // A rename into the work area would unmount what a download reads.
    await zfs('set', `${DELETED_PROPERTY}=true`, dataset);
    await this.sweep();
    return this.#failures.get(dataset);
  }

  /** Removes the datasets and files that an earlier process left. */
  async clear(): Promise<void> {
    await this.sweep();
    const { mountpoint } = this.#layout.work;
    const left = new Set((await this.#listGarbage()).map((dataset) => dataset.split('/').at(-1)));
    for (const name of await readdir(mountpoint))
      if (!left.has(name)) await rm(join(mountpoint, name), { recursive: true, force: true });
  }

  /** Sweeps until nothing more can be destroyed, as garbage may depend on other garbage. */
  async #sweepNow(): Promise<void> {
    for (;;) {
      const destroyed = [];
      for (const dataset of await this.#listGarbage()) destroyed.push(await this.#destroy(dataset));
      if (!destroyed.includes(true)) return;
    }
  }

  /** Destroys a deleted dataset, and returns whether a dataset still has the name. */
  async isTaken(dataset: string): Promise<boolean> {
    const find = (): Promise<string[][]> => listDatasets(['name'], dataset);
    if ((await find()).length === 0) return false;
    await this.sweep();
    return (await find()).length > 0;
  }

  /** Lists the datasets of the store that are marked as deleted. */
  async listDeleted(): Promise<string[]> {
    const { work } = this.#layout;
    return (await this.#listGarbage()).filter((dataset) => !dataset.startsWith(`${work.dataset}/`));
  }

  async #listGarbage(where = ['-r', '-d', '2', this.#layout.root]): Promise<string[]> {
    const { work } = this.#layout;
    const rows = await listDatasets(['name', DELETED_PROPERTY], '-t', 'filesystem,volume', ...where);
    return rows
      .filter(
        ([name = '', deleted]) =>
          deleted === 'true' || (name.startsWith(`${work.dataset}/`) && !this.#claimed.has(name)),
      )
      .map(([name = '']) => name);
  }

  async #destroy(dataset: string): Promise<boolean> {
    try {
      // Destroying the earlier ones may have taken long: check again.
      if ((await this.#listGarbage([dataset])).length === 0) return false;
      // A held dataset is reported as busy, too, but remains so.
      const destroy = (await hasHolds(dataset)) ? zfs : zfsWhenFree;
      await destroy('destroy', '-r', dataset);
      this.#failures.delete(dataset);
      return true;
    } catch (error) {
      if (isDatasetMissing(error)) return true;
      this.#failures.set(dataset, errorMessage(error));
      // A later sweep destroys a dataset that has dependents.
      if (!hasDependents(error))
        this.#log.warn(`dataset ${dataset} not destroyed, the next sweep retries: ${errorMessage(error)}`);
      return false;
    }
  }
}
