import { InvalidArgumentError } from 'commander';

export interface UidRange {
  first: number;
  last: number;
}

/** Below are the system's own users. */
const MIN_UID = 1000;
/** The two above mean "nobody in particular" to the kernel. */
const MAX_UID = 2 ** 32 - 3;

/** Neither users nor containers are given these: https://systemd.io/UIDS-GIDS, "unused". */
export const DEFAULT_UID_RANGE: UidRange = { first: 2_000_000_000, last: 2_000_065_535 };

/** Reads `FIRST-LAST`. */
export const parseUidRange = (value: string): UidRange => {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(value) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (!(range.first >= MIN_UID && range.first <= range.last && range.last <= MAX_UID)) {
    throw new InvalidArgumentError(
      `not of the form FIRST-LAST, both from ${MIN_UID} to ${MAX_UID}, such as 200000-265535`,
    );
  }
  return range;
};

/** The uids that guests have, each one of its own; the gid is the same number. */
export class UidPool {
  readonly #range: UidRange;
  readonly #owners = new Map<number, string>();

  constructor(range: UidRange) {
    this.#range = range;
  }

  /** Notes the uid that a guest has already; answers whether it is that guest's alone. */
  adopt(guest: string, uid: number): boolean {
    const owner = this.#owners.get(uid) ?? guest;
    this.#owners.set(uid, owner);
    return owner === guest;
  }

  /**
   * Gives a guest a uid that no other has, as late as possible one that another had.
   * @throws when all are taken
   */
  claim(guest: string): number {
    const { first, last } = this.#range;
    const inRange = [...this.#owners.keys()].filter((uid) => uid >= first && uid <= last);
    const size = last - first + 1;
    const highest = Math.max(first - 1, ...inRange);
    for (let n = 1; n <= size; n += 1) {
      const uid = first + ((highest - first + n) % size);
      if (this.#owners.has(uid)) continue;
      this.#owners.set(uid, guest);
      return uid;
    }
    throw new Error(
      `guest ${guest}: all ${size} user ids of --uid-range ${first}-${last} are taken: widen it`,
    );
  }

  release(guest: string): void {
    for (const [uid, owner] of this.#owners) if (owner === guest) this.#owners.delete(uid);
  }
}
