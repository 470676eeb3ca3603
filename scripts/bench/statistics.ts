const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** @param share 0.5 for the median */
export const quantile = (values: readonly number[], share: number): number => {
  const ordered = sorted(values);
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))] ?? Number.NaN;
};

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Returns the ratios of paired rounds. */
export const ratios = (values: readonly number[], others: readonly number[]): number[] =>
  values.map((value, index) => value / (others[index] ?? Number.NaN));

/** Returns the median of the ratios of paired rounds. */
export const medianRatio = (values: readonly number[], others: readonly number[]): number =>
  median(ratios(values, others));
