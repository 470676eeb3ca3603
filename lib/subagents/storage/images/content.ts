import type { Firmware } from '../../../model/firmware.js';
import type { ImageContent } from '../../../model/image.js';
import { SECTOR_BYTES } from '../raw-disk.js';

/** Reads bytes of a disk; fewer at its end. */
export type ReadBytes = (position: number, length: number) => Promise<Buffer>;

/** The sectors of ISO 9660 (ECMA-119, 7.1). */
const CD_SECTOR = 2048;
const ISO_VOLUME = 16 * CD_SECTOR;
/** The boot record of El Torito, version 1.0, "Boot Record Volume Descriptor". */
const EL_TORITO = 17 * CD_SECTOR;
const EL_TORITO_ID = 'EL TORITO SPECIFICATION';
const CATALOG_POINTER = 0x47;

/** Entries of a boot catalog: El Torito, "Booting Catalog". */
const ENTRY_BYTES = 32;
const BOOTABLE = 0x88;
const SECTION_HEADERS: ReadonlySet<number> = new Set([0x90, 0x91]);
const EFI_PLATFORM = 0xef;

const text = (bytes: Buffer, offset: number, length: number): string =>
  bytes.toString('latin1', offset, offset + length);

const firmwareOf = (platform: number): Firmware => (platform === EFI_PLATFORM ? 'uefi' : 'bios');

/** Lists the firmware that a boot catalog has an entry for. */
export const catalogFirmware = (catalog: Buffer): Firmware[] => {
  const found = new Set<Firmware>();
  // The validation entry names the platform of the entry after it; each section header that of its entries.
  let platform = catalog[1] ?? 0;
  for (let at = ENTRY_BYTES; at + ENTRY_BYTES <= catalog.length; at += ENTRY_BYTES) {
    const kind = catalog[at] ?? 0;
    if (SECTION_HEADERS.has(kind)) platform = catalog[at + 1] ?? 0;
    else if (kind === BOOTABLE) found.add(firmwareOf(platform));
  }
  return [...found].sort();
};

const isoContent = async (record: Buffer, read: ReadBytes): Promise<ImageContent> => {
  if (text(record, 1, 5) !== 'CD001' || text(record, 7, EL_TORITO_ID.length) !== EL_TORITO_ID)
    return { kind: 'iso', boots: [] };
  const catalog = await read(record.readUInt32LE(CATALOG_POINTER) * CD_SECTOR, CD_SECTOR);
  return { kind: 'iso', boots: catalogFirmware(catalog) };
};

/** Partition types of UEFI, 5.3.3, in the byte order of the disk. */
const EFI_SYSTEM = Buffer.from('28732ac11ff8d211ba4b00a0c93ec93b', 'hex');
const BIOS_BOOT = Buffer.from('4861682149646f6e744e656564454649', 'hex');

/** The boot code of a master boot record. */
const BOOT_CODE_BYTES = 440;
const GPT_ENTRIES = 2 * SECTOR_BYTES;
const GPT_ENTRY_BYTES = 128;
const GPT_ENTRY_COUNT = 128;

const partitionTypes = (head: Buffer): Buffer[] =>
  Array.from({ length: GPT_ENTRY_COUNT }, (_, n) =>
    head.subarray(GPT_ENTRIES + n * GPT_ENTRY_BYTES, GPT_ENTRIES + n * GPT_ENTRY_BYTES + 16),
  );

/**
 * Lists the firmware that can boot a disk, as far as its partition table tells: a disk with an EFI system partition, and
 * neither boot code nor a partition for it, boots with UEFI alone.
 */
const diskFirmware = (head: Buffer): Firmware[] => {
  const hasCode = head.subarray(0, BOOT_CODE_BYTES).some((byte) => byte !== 0);
  if (text(head, SECTOR_BYTES, 8) !== 'EFI PART') return hasCode ? ['bios'] : [];
  const types = partitionTypes(head);
  const hasType = (type: Buffer): boolean => types.some((other) => other.equals(type));
  const bios = hasCode || hasType(BIOS_BOOT);
  return [...(bios ? (['bios'] as const) : []), ...(hasType(EFI_SYSTEM) ? (['uefi'] as const) : [])];
};

/** All that says what an image is, but for the boot catalog: each read may be a program's run. */
const HEAD_BYTES = EL_TORITO + CD_SECTOR;

/** Tells from its bytes whether an image is an ISO image, and what firmware can boot it. */
export const contentOf = async (read: ReadBytes): Promise<ImageContent> => {
  const head = await read(0, HEAD_BYTES);
  if (text(head, ISO_VOLUME + 1, 5) === 'CD001') return isoContent(head.subarray(EL_TORITO), read);
  return { kind: 'disk', boots: diskFirmware(head) };
};
