/** Whether all bytes are zero. Each one is compared with the one before it, at the speed of memcmp(3). */
export const isZero = (bytes: Buffer): boolean =>
  bytes.length === 0 || (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)));
