import { InvalidArgumentError } from 'commander';
import { contains, type UidRange } from '../../../process/guest-uids.js';

/** Lower uids belong to the system. */
const MIN_UID = 1000;
/** The two uids above are special: (uid_t)-1 means "no change" to chown(2), and -2 is NFS's nobody. */
const MAX_UID = 2 ** 32 - 3;

/** Parses `FIRST-LAST`, both inclusive. */
export const parseUidRange = (value: string): UidRange => {
  const [, first, last] = /^(\d+)-(\d+)$/.exec(value) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (!(range.first >= MIN_UID && range.first <= range.last && range.last <= MAX_UID)) {
    throw new InvalidArgumentError(
      `Give FIRST-LAST, both from ${MIN_UID} to ${MAX_UID}, such as 200000-265535.`,
    );
  }
  return range;
};

/** Assigns each guest a uid of its own; its gid is the same number. */
export class UidPool {
  readonly #range: UidRange;
  readonly #owners = new Map<number, string>();

  constructor(range: UidRange) {
    this.#range = range;
  }

  /** Whether a uid is outside the range that this agent has claimed. */
  isForeign(uid: number): boolean {
    return !contains(this.#range, uid);
  }

  /** Reserves the uid of a guest's record; returns `false` when it belongs to another guest. */
  adopt(guest: string, uid: number): boolean {
    const owner = this.#owners.get(uid) ?? guest;
    this.#owners.set(uid, owner);
    return owner === guest;
  }

  /**
   * Assigns a free uid, preferring those above the highest in use so that a released one is reused late.
   * @throws when all are in use
   */
  claim(guest: string): number {
    const { first, last } = this.#range;
    const inRange = [...this.#owners.keys()].filter((uid) => contains(this.#range, uid));
    const size = last - first + 1;
    const highest = Math.max(first - 1, ...inRange);
    for (let n = 1; n <= size; n += 1) {
      const uid = first + ((highest - first + n) % size);
      if (this.#owners.has(uid)) continue;
      this.#owners.set(uid, guest);
      return uid;
    }
    throw new Error(`guest ${guest}: all ${size} user ids ${first}-${last} are in use: widen --uid-range`);
  }

  release(guest: string): void {
    for (const [uid, owner] of this.#owners) if (owner === guest) this.#owners.delete(uid);
  }
}
