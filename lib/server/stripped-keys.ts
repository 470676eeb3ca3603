type Path = (string | number)[];

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Buffer.isBuffer(value);

const findIn = (
  input: Record<string, unknown>,
  stripped: Record<string, unknown>,
  found: (path: Path) => void,
  path: Path,
): void => {
  const isList = Array.isArray(input);
  for (const key in input) {
    const value = input[key];
    const isKept = Object.hasOwn(stripped, key);
    if (isKept && !isTree(value)) continue;
    path.push(isList ? Number(key) : key);
    if (!isKept) found(path);
    else {
      const rest = stripped[key];
      if (isTree(value) && isTree(rest) && rest !== value) findIn(value, rest, found, path);
    }
    path.pop();
  }
};

/**
 * Finds the keys of `input` that are missing in `stripped`, its copy without unknown keys. joi's own errors for them
 * would cost far more than the keys do.
 * @param found gets the path of each; the array changes after the call
 */
export const findStripped = (input: unknown, stripped: unknown, found: (path: Path) => void): void => {
  if (isTree(input) && isTree(stripped) && input !== stripped) findIn(input, stripped, found, []);
};
