/** The sectors of ISO 9660 (ECMA-119). */
const CD_SECTOR = 2048;
const SECTOR = 512;
const CATALOG = 20;
const BOOT_IMAGE = 21;

/** Where a BIOS loads boot code. */
const LOADED_AT = 0x7c00;

const word = (value: number): number[] => [value & 0xff, value >> 8];

/** 16-bit x86 code that writes a text to the first serial port, and stops the processor unless other code follows. */
const print = (message: string, at: number, then: number[]): Buffer => {
  const code = [
    ...[0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0], // xor ax,ax; mov ds,ax; mov es,ax
    ...[0xbe, ...word(0)], // mov si,message
    ...[0xac, 0x84, 0xc0, 0x74, 0x06], // lodsb; test al,al; jz +6
    ...[0xba, ...word(0x3f8), 0xee, 0xeb, 0xf5], // mov dx,0x3f8; out dx,al; jmp to the lodsb
    ...then,
    ...[0xf4, 0xeb, 0xfd], // hlt; jmp to the hlt
  ];
  code.splice(7, 2, ...word(at + code.length));
  return Buffer.concat([Buffer.from(code), Buffer.from(`${message}\r\n\0`, 'latin1')]);
};

/** Writes the sector after this code's own to the first hard disk (int 13h, AH=03h) and resets the machine. */
const INSTALL = [
  ...[0xb8, ...word(0x0301), 0xbb, ...word(LOADED_AT + SECTOR)], // mov ax,0301h; mov bx,the next sector
  ...[0xb9, ...word(1), 0xba, ...word(0x0080), 0xcd, 0x13], // mov cx,1; mov dx,80h; int 13h
  ...[0xb0, 0xfe, 0xe6, 0x64], // mov al,0feh; out 64h,al
];

/**
 * An ISO image with a boot catalog (El Torito) whose code writes `message` to the serial port.
 * @param then code to run after that
 * @param payload a second sector, which is loaded with the code
 */
const bootableIso = (message: string, then: number[], payload = Buffer.alloc(SECTOR)): Buffer => {
  const iso = Buffer.alloc(32 * CD_SECTOR);
  iso.write('\x01CD001\x01', 16 * CD_SECTOR, 'latin1');
  iso.write('\x00CD001\x01EL TORITO SPECIFICATION', 17 * CD_SECTOR, 'latin1');
  iso.writeUInt32LE(CATALOG, 17 * CD_SECTOR + 0x47);
  iso.write('\xffCD001\x01', 18 * CD_SECTOR, 'latin1');
  const catalog = iso.subarray(CATALOG * CD_SECTOR);
  Buffer.from([0x01]).copy(catalog);
  catalog.writeUInt16LE(0xaa55, 0x1e);
  catalog.writeUInt16LE(0x55aa, 0x1c); // makes the sum of the entry's words 0
  catalog[0x20] = 0x88;
  catalog.writeUInt16LE(CD_SECTOR / SECTOR, 0x26);
  catalog.writeUInt32LE(BOOT_IMAGE, 0x28);
  print(message, LOADED_AT, then).copy(iso, BOOT_IMAGE * CD_SECTOR);
  payload.copy(iso, BOOT_IMAGE * CD_SECTOR + SECTOR);
  return iso;
};

export const BOOTED_FROM_CD = 'booted from the CD';
export const BOOTED_FROM_DISK = 'booted from the disk';

/** A CD that only boots. */
export const liveCd = (): Buffer => bootableIso(BOOTED_FROM_CD, []);

/** A CD that installs a boot sector on the first disk and resets the machine. */
export const installCd = (): Buffer => {
  const sector = Buffer.alloc(SECTOR);
  print(BOOTED_FROM_DISK, LOADED_AT, []).copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return bootableIso(BOOTED_FROM_CD, INSTALL, sector);
};
