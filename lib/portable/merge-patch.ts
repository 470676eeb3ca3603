type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether two JSON values are equal; the order of keys does not matter. */
const isEqual = (one: unknown, other: unknown): boolean => {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => isEqual(item, other[index]));
  if (!isObject(one) || !isObject(other)) return one === other;
  return Object.keys(mergePatch(one, other)).length === 0;
};

/**
 * Returns the JSON merge patch (RFC 7396) that turns one object into another: objects key by key, `null` for a key that
 * goes, and anything else as a whole. Neither object may have a `null`.
 */
export const mergePatch = (before: object, after: object): Record<string, unknown> => {
  const [from, to] = [before as Json, after as Json];
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [old, now] = [from[key], to[key]];
    if (isObject(old) && isObject(now)) {
      const part = mergePatch(old, now);
      if (Object.keys(part).length > 0) patch[key] = part;
    } else if (!isEqual(old, now)) patch[key] = now ?? null;
  }
  return patch;
};
