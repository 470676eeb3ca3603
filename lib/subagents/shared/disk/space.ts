import { statfs } from 'node:fs/promises';
import { MB, toMb } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';

/** A twentieth of the device, up to this many bytes, is left for the guests' growing disks. */
const MAX_RESERVE_BYTES = 1024 * MB;
const RESERVE_DIVISOR = 20;

const wholeMb = (bytes: number): number => Math.max(0, Math.floor(bytes / MB));

/** The room that one piece of work still needs. */
export interface Claim {
  /**
   * Replaces the claimed room.
   * @param bytes still to write, as far as known
   * @throws when they do not fit beside the other claims and the reserve
   */
  require(bytes: number): Promise<void>;
  /** Whether so many bytes fit beside the other claims and the reserve. */
  fits(bytes: number): Promise<boolean>;
  release(): void;
}

/** Bytes of a device. */
interface Room {
  free: number;
  /** Kept for the guests' disks. */
  reserve: number;
  /** To the other claims. */
  promised: number;
  /** What is left. */
  room: number;
}

/** Divides the free space on a directory's device among those that write to it at the same time. */
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
      fits: async (bytes) => (await this.#roomBeside(claim)).room >= bytes,
      release: () => void this.#claims.delete(claim),
    };
    return claim;
  }

  /** Finds out what is left beside the other claims. */
  async #roomBeside(claim: Claim): Promise<Room> {
    const { bavail, bsize, blocks } = await statfs(this.#dir);
    const free = bavail * bsize;
    const reserve = Math.min(MAX_RESERVE_BYTES, (blocks * bsize) / RESERVE_DIVISOR);
    const promised = [...this.#claims].reduce(
      (sum, [other, need]) => (other === claim ? sum : sum + need),
      0,
    );
    return { free, reserve, promised, room: free - promised - reserve };
  }

  async #check(claim: Claim, bytes: number): Promise<void> {
    const { free, reserve, promised, room } = await this.#roomBeside(claim);
    if (room >= bytes) return;
    const others = promised > 0 ? ` and ${toMb(promised)} MB promised to others` : '';
    throw new Refusal(
      'no_space',
      `no space left on the device of ${this.#dir}: needs ${toMb(bytes)} MB, ${this.#dir} has ${wholeMb(free)} MB ` +
        `free, with ${toMb(reserve)} MB kept in reserve${others}: make room there, then try again`,
    );
  }
}
