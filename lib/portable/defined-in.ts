type Defined<T> = { [Key in keyof T]: T[Key] | undefined };

/** Leaves out the keys whose value is `undefined`. */
export const definedIn = <T extends object>(all: Defined<T>): Partial<T> =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<T>;
