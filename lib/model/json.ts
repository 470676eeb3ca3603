const known = new WeakMap<object, string>();

/** The JSON of a stored value. It is made once per object: stored values are replaced, never changed. */
export const jsonOf = (value: object): string => {
  let json = known.get(value);
  if (json === undefined) {
    json = JSON.stringify(value);
    known.set(value, json);
  }
  return json;
};
