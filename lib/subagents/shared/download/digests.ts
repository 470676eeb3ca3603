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

/** Returns the first algorithm with different sums; sums that `wanted` lacks do not matter. */
export const differenceOf = (actual: Digests, wanted: Digests): Algorithm | undefined =>
  ALGORITHMS.find((name) => wanted[name] !== undefined && actual[name] !== wanted[name]);

/** @throws when a received file lacks one of the wanted sums */
export const checkDigests = (actual: Digests, wanted: Digests): void => {
  const name = differenceOf(actual, wanted);
  if (name !== undefined)
    throw new Refusal('invalid', `the fetched file has the ${name} ${actual[name]}, not ${wanted[name]}`);
};
