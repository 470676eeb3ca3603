import test from 'ava';
import { contentOf, type ReadBytes } from '../../../../../lib/subagents/storage/images/content.js';

const SECTOR = 2048;

const readerOf =
  (bytes: Buffer): ReadBytes =>
  async (position, length) =>
    bytes.subarray(position, position + length);

/** A disk whose sectors have text or bytes at some positions. */
const diskWith = (...parts: [position: number, bytes: Buffer | string][]): ReadBytes => {
  const disk = Buffer.alloc(64 * SECTOR);
  for (const [position, bytes] of parts) Buffer.from(bytes as string, 'latin1').copy(disk, position);
  return readerOf(disk);
};

const VOLUME: [number, string] = [16 * SECTOR, '\x01CD001'];

/** An ISO image with a boot catalog in sector 20. */
const bootable = (...entries: [at: number, byte: number][]): ReadBytes => {
  const catalog = Buffer.alloc(SECTOR);
  for (const [at, byte] of entries) catalog[at] = byte;
  return diskWith(
    VOLUME,
    [17 * SECTOR, '\x00CD001\x01EL TORITO SPECIFICATION'],
    [17 * SECTOR + 0x47, '\x14'],
    [20 * SECTOR, catalog],
  );
};

const ENTRY = 32;

test('an ISO image without a boot record boots with nothing', async (t) => {
  t.deepEqual(await contentOf(diskWith(VOLUME)), { kind: 'iso', boots: [] });
});

test('the default entry of a boot catalog is for the platform of the validation entry', async (t) => {
  t.deepEqual(await contentOf(bootable([ENTRY, 0x88])), { kind: 'iso', boots: ['bios'] });
  t.deepEqual(await contentOf(bootable([1, 0xef], [ENTRY, 0x88])), { kind: 'iso', boots: ['uefi'] });
});

test('a section of a boot catalog adds its platform', async (t) => {
  const section: [number, number][] = [
    [2 * ENTRY, 0x91],
    [2 * ENTRY + 1, 0xef],
    [3 * ENTRY, 0x88],
  ];
  t.deepEqual(await contentOf(bootable([ENTRY, 0x88], ...section)), {
    kind: 'iso',
    boots: ['bios', 'uefi'],
  });
});

test('an entry that is not bootable does not count', async (t) => {
  t.deepEqual(await contentOf(bootable([ENTRY, 0x00])), { kind: 'iso', boots: [] });
});

test('a boot catalog beyond the end of the image counts as none', async (t) => {
  const record: [number, string] = [17 * SECTOR, '\x00CD001\x01EL TORITO SPECIFICATION'];
  const pointer: [number, string] = [17 * SECTOR + 0x47, '\xff\xff\x00\x00'];
  t.deepEqual(await contentOf(diskWith(VOLUME, record, pointer)), { kind: 'iso', boots: [] });
});

const GPT: [number, string] = [512, 'EFI PART'];
const EFI_SYSTEM = Buffer.from('28732ac11ff8d211ba4b00a0c93ec93b', 'hex');
const BIOS_BOOT = Buffer.from('4861682149646f6e744e656564454649', 'hex');

test('a disk with an EFI system partition alone needs UEFI', async (t) => {
  t.deepEqual(await contentOf(diskWith(GPT, [1024, EFI_SYSTEM])), { kind: 'disk', boots: ['uefi'] });
});

test('boot code or a BIOS boot partition beside it lets a BIOS boot it too', async (t) => {
  const both = { kind: 'disk', boots: ['bios', 'uefi'] } as const;
  t.deepEqual(await contentOf(diskWith(GPT, [1024, EFI_SYSTEM], [0, '\xeb'])), both);
  t.deepEqual(await contentOf(diskWith(GPT, [1024, EFI_SYSTEM], [1024 + 128, BIOS_BOOT])), both);
});

test('a disk with boot code and without a GPT boots with a BIOS', async (t) => {
  t.deepEqual(await contentOf(diskWith([0, '\xfa'])), { kind: 'disk', boots: ['bios'] });
});

test('nothing is said of a disk without boot code and GPT', async (t) => {
  t.deepEqual(await contentOf(diskWith()), { kind: 'disk', boots: [] });
  t.deepEqual(await contentOf(readerOf(Buffer.alloc(512))), { kind: 'disk', boots: [] });
});
