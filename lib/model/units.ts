/** Bytes per MB, the unit of sizes on the wire. */
export const MB = 2 ** 20;

/** A limit beyond any real disk: a larger size is a mistake or an attack. */
export const MAX_DISK_BYTES = 64 * 2 ** 40;

/** Converts bytes to MB, rounded up. */
export const toMb = (bytes: number): number => Math.ceil(bytes / MB);

/** Formats a number of things: `1 guest`, `2 guests`. */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;
