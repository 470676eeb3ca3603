import { createHash, type Hash } from 'node:crypto';
import { Refusal } from '../../../rpc/protocol/refusal.js';

/** The sums that a fetched file can be checked by, the strongest last. */
export const ALGORITHMS = ['sha256', 'sha512'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Sums of a file, in lower-case hex. */
export type Digests = Partial<Record<Algorithm, string>>;

/** Returns the sums with lower-case digits, without empty ones. */
export const normalizeDigests = (digests: Partial<Record<Algorithm, string | null | undefined>>): Digests =>
  Object.fromEntries(
    ALGORITHMS.flatMap((name) => (digests[name] ? [[name, digests[name].toLowerCase()]] : [])),
  );

/** Calculates the sums of a file while it is received. */
export class Digester {
  readonly #hashes: ReadonlyMap<Algorithm, Hash>;

  constructor(algorithms: Iterable<Algorithm>) {
    this.#hashes = new Map([...algorithms].map((name) => [name, createHash(name)]));
  }

  update(bytes: Buffer): void {
    for (const hash of this.#hashes.values()) hash.update(bytes);
  }

  /** Returns the sums of all bytes. Call it once. */
  digests(): Digests {
    return Object.fromEntries([...this.#hashes].map(([name, hash]) => [name, hash.digest('hex')]));
  }
}

/** Returns the first algorithm with different sums; sums that `wanted` lacks do not matter. */
export const differenceOf = (actual: Digests, wanted: Digests): Algorithm | undefined =>
  ALGORITHMS.find((name) => wanted[name] !== undefined && actual[name] !== wanted[name]);

/** @throws when a received file lacks one of the wanted sums */
export const checkDigests = (actual: Digests, wanted: Digests): void => {
  const name = differenceOf(actual, wanted);
  if (name !== undefined)
    throw new Refusal('invalid', `the fetched file has the ${name} ${actual[name]}, not ${wanted[name]}`);
};
