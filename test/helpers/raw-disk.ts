/** Marks the first sector as a boot sector, by which the store knows a raw disk. Changes and returns `bytes`. */
export const asDisk = (bytes: Buffer): Buffer => {
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
};
