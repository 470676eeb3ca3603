import { statfs } from 'node:fs/promises';
import { MB, toMb } from '../../../model/units.js';

/** Left for the guests' disks, which grow as they are written to: a twentieth of the device, at most so many bytes. */
const MAX_RESERVE_BYTES = 1024 * MB;
const RESERVE_PART = 20;

const wholeMb = (bytes: number): number => Math.max(0, Math.floor(bytes / MB));

/** What one piece of work still has to write. */
export interface Claim {
  /**
   * @param bytes that are still to be written, as far as known
   * @throws when they do not fit
   */
  require(bytes: number): Promise<void>;
  release(): void;
}

/** The room on a directory's device, shared out among those that are about to fill it. */
export class Space {
  readonly #dir: string;
  readonly #claims = new Map<Claim, number>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  claim(): Claim {
    const claim: Claim = {
      require: async (bytes) => {
        this.#claims.set(claim, bytes);
        await this.#check(claim, bytes);
      },
      release: () => void this.#claims.delete(claim),
    };
    return claim;
  }

  async #check(claim: Claim, bytes: number): Promise<void> {
    const { bavail, bsize, blocks } = await statfs(this.#dir);
    const free = bavail * bsize;
    const reserve = Math.min(MAX_RESERVE_BYTES, (blocks * bsize) / RESERVE_PART);
    const promised = [...this.#claims].reduce(
      (sum, [other, need]) => (other === claim ? sum : sum + need),
      0,
    );
    if (free - promised - reserve >= bytes) return;
    const others = promised > 0 ? ` and ${toMb(promised)} MB promised to other fetches` : '';
    throw new Error(
      `no space left on the device of ${this.#dir}: needs ${toMb(bytes)} MB, ${this.#dir} has ${wholeMb(free)} MB ` +
        `free, with ${toMb(reserve)} MB kept in reserve${others}: make room there, then try again`,
    );
  }
}
