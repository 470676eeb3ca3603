import type { OpenedDisk } from '../stored.js';
import { type DiskServer, type Served, serveDisk } from './disk-server.js';

/** The programs that serve disks of guests that are off. */
export class Servers {
  readonly #byGuest = new Map<string, DiskServer[]>();

  /** Serves a disk until `end`. */
  async start(guest: string, file: OpenedDisk, served: Served): Promise<void> {
    const server = await serveDisk(file, served);
    this.#byGuest.set(guest, [...(this.#byGuest.get(guest) ?? []), server]);
  }

  /** Whether `count` disks of a guest are being served. */
  isServing(guest: string, count: number): boolean {
    return (this.#byGuest.get(guest) ?? []).filter((server) => server.isAlive()).length === count;
  }

  /** Ends what serves the disks of a guest, and resolves once the disks are closed. */
  async end(guest: string): Promise<void> {
    const servers = this.#byGuest.get(guest) ?? [];
    await Promise.all(servers.map((server) => server.end()));
    this.#byGuest.delete(guest);
  }

  /** Ends all. */
  async close(): Promise<void> {
    await Promise.all([...this.#byGuest.keys()].map((guest) => this.end(guest)));
  }
}
