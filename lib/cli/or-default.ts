/** The word that returns a key to its default. */
export const DEFAULT = 'default';

export type OrDefault<Value> = Value | typeof DEFAULT;

/** Lets a parser accept that word. */
export const orDefault =
  <Value>(parse: (text: string) => Value) =>
  (text: string): OrDefault<Value> =>
    text === DEFAULT ? DEFAULT : parse(text);

/** Returns the value for a merge patch, in which `null` is the default. */
export const patchValue = <Value>(value: OrDefault<Value>): Value | null =>
  value === DEFAULT ? null : value;
