/** @returns the keys that turn one text into another, typed at its end: `\b` for each that Backspace deletes */
export const typedKeys = (before: string, after: string): string[] => {
  const [old, now] = [[...before], [...after]];
  const differs = old.findIndex((character, index) => character !== now[index]);
  const kept = differs < 0 ? old.length : differs;
  return [...old.slice(kept).map(() => '\b'), ...now.slice(kept)];
};
