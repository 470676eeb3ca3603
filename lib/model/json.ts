const known = new WeakMap<object, string>();

/** Returns the JSON of a stored value. Made once per object: stored values are replaced, never modified. */
export const jsonOf = (value: object): string => {
  let json = known.get(value);
  if (json === undefined) {
    json = JSON.stringify(value);
    known.set(value, json);
  }
  return json;
};
