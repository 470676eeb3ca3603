/** The numbers that `npm run torture` raises; by default those of a short run. */
export const numberFrom = (name: string): number | undefined => {
  const text = process.env[name];
  return text === undefined ? undefined : Number(text);
};

/** What a run is made from: the same seed makes the same requests. */
export const SEED = numberFrom('MISTIFY_SEED');

interface Tries {
  numRuns: number;
  seed?: number;
  includeErrorInReport: boolean;
}

/**
 * How a property is tried. When it does not hold, fast-check says with which seed.
 * @param runs of a short test; a long one has so many times more as `MISTIFY_TIMES` says
 */
export const tries = (runs: number): Tries => ({
  includeErrorInReport: true,
  numRuns: runs * (numberFrom('MISTIFY_TIMES') ?? 1),
  ...(SEED === undefined ? {} : { seed: SEED }),
});
