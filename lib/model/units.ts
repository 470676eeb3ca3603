/** Bytes in the MB that sizes have on the wire. */
export const MB = 2 ** 20;

/** Larger than any disk there is: what exceeds it is a mistake or an attack. */
export const MAX_DISK_BYTES = 64 * 2 ** 40;

/** Whole MB that hold so many bytes. */
export const toMb = (bytes: number): number => Math.ceil(bytes / MB);
