/** Returns the lowest free number of a row. */
export const freePosition = (taken: readonly number[]): number => {
  const all = new Set(taken);
  let position = 0;
  while (all.has(position)) position += 1;
  return position;
};
