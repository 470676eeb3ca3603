/** Reads a number from the environment, with which `npm run torture` makes tests longer. */
export const numberFrom = (name: string): number | undefined => {
  const text = process.env[name];
  return text === undefined ? undefined : Number(text);
};

/** The seed of random requests: the same seed makes the same requests. */
export const SEED = numberFrom('MISTIFY_SEED');

interface Tries {
  numRuns: number;
  seed?: number;
  includeErrorInReport: boolean;
}

/**
 * Returns fast-check's options for a property. When the property fails, fast-check reports the seed.
 * @param runs the number of runs in a short test, which `MISTIFY_TIMES` multiplies
 */
export const tries = (runs: number): Tries => ({
  includeErrorInReport: true,
  numRuns: runs * (numberFrom('MISTIFY_TIMES') ?? 1),
  ...(SEED === undefined ? {} : { seed: SEED }),
});
