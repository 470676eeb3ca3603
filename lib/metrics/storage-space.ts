import { Gauge, type Registry } from 'prom-client';
import { errorMessage } from '../errors.js';
import { MB } from '../model/units.js';
import { queryStorageSpace } from '../runtime/actions/storage-actions.js';
import type { Runtime } from '../runtime/runtime.js';
import { FRESH_MS, RESPONSE_MS } from './counter-collector.js';

/** The storage's size and free space as Prometheus metrics. Without a response they have no value. */
export class StorageSpaceMetrics {
  readonly #runtime: Runtime;
  readonly #size: Gauge;
  readonly #free: Gauge;
  #latest: { at: number; updated: Promise<void> } | undefined;

  constructor(runtime: Runtime, registry: Registry) {
    this.#runtime = runtime;
    const registers = [registry];
    this.#size = new Gauge({
      name: 'mistify_storage_size_bytes',
      help: 'Size of the file system or ZFS pool that holds images and disks',
      registers,
    });
    this.#free = new Gauge({
      name: 'mistify_storage_free_bytes',
      help: 'Free space for images and disks',
      registers,
    });
    this.#clear();
  }

  /** Updates the metrics, unless they are less than a second old. */
  update(): Promise<void> {
    if (!this.#latest || performance.now() - this.#latest.at > FRESH_MS)
      this.#latest = { at: performance.now(), updated: this.#query() };
    return this.#latest.updated;
  }

  async #query(): Promise<void> {
    if (!this.#runtime.isConfigured('storageSpace')) return;
    try {
      const { result } = await queryStorageSpace(
        this.#runtime,
        { leftovers: false },
        AbortSignal.timeout(RESPONSE_MS),
      );
      this.#size.set(result.size * MB);
      this.#free.set(result.free * MB);
    } catch (error) {
      this.#runtime.log.debug(`storage space not collected: ${errorMessage(error)}`);
      this.#clear();
    }
  }

  /** Removes the values: prom-client starts a gauge without labels at 0, and 0 would say that the storage is full. */
  #clear(): void {
    this.#size.remove();
    this.#free.remove();
  }
}
