/** Marks the first sector as a boot sector, by which the store knows a raw disk. Changes and returns `bytes`. */
export const asDisk = (bytes: Buffer): Buffer => {
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
};

const CD_SECTOR = 2048;

/** An ISO image without files, whose boot catalog has an entry for a BIOS: ECMA-119 and El Torito. */
export const isoBytes = (): Buffer => {
  const iso = Buffer.alloc(32 * CD_SECTOR);
  iso.write('\x01CD001', 16 * CD_SECTOR, 'latin1');
  iso.write('\x00CD001\x01EL TORITO SPECIFICATION', 17 * CD_SECTOR, 'latin1');
  const catalog = 20;
  iso.writeUInt32LE(catalog, 17 * CD_SECTOR + 0x47);
  iso[catalog * CD_SECTOR] = 1;
  iso[catalog * CD_SECTOR + 32] = 0x88;
  return iso;
};
