import { truncate, writeFile } from 'node:fs/promises';
import { execa } from 'execa';

/** The parts that making the image needs; see `needs`. */
export const UEFI_IMAGE_PARTS = ['sfdisk', 'mkfs.fat', 'mcopy', 'qemu-img'];

/**
 * A program for UEFI on x86-64. It counts its starts in a variable of the firmware, writes to the serial port whether
 * the machine has a TPM and how often it was started (`mistify-guest: tpm`, `mistify-guest: boot 1`), and powers off.
 *
 *     mov rbx, [rdx + 0x58]                    ; the runtime services, from the system table
 *     call [rbx + 0x48]                        ; GetVariable("Boots", …): no start without one
 *     inc byte [rsp + 0x40]
 *     call [rbx + 0x58]                        ; SetVariable("Boots", …, NV + BS + RT)
 *     mov eax, [0xfed40030]                    ; the interface of a TPM, 0 without
 *     in al, 0x3fd … out 0x3f8, al             ; the text, once the port is free
 *     call [rbx + 0x68]                        ; ResetSystem(EfiResetShutdown)
 */
const CODE = Buffer.from(
  [
    '4883ec58488b5a5848c74424400000000048c744243801000000488d0dd9000000488d15de0000004c8d4424304c8d4c',
    '2438488d4424404889442420ff5348fe442440488d0db0000000488d15b500000041b80700000041b901000000488d44',
    '24404889442420ff53588a442440043088057f000000b80000d4fe8b403085c07509488d3558000000eb13488d353a00',
    '0000e81f000000488d3543000000e813000000b90200000031d24531c04531c9ff5368f4ebfd66bafd03eca82074f7ac',
    '84c0740766baf803eeebebc36d6973746966792d67756573743a2074706d0d0a006d6973746966792d67756573743a20',
    '626f6f7420300d0a009042006f006f007400730000001032547698badcfe0102030405060708',
  ].join(''),
  'hex',
);

const HEADERS = 0x200;
const SECTION = 0x1000;

/** Wraps code in the headers of a PE32+ program with one section: Microsoft's PE Format. */
const program = (code: Buffer): Buffer => {
  const file = Buffer.alloc(HEADERS + SECTION);
  file.write('MZ', 0, 'latin1');
  file.writeUInt32LE(0x40, 0x3c);
  file.write('PE\0\0', 0x40, 'latin1');
  const coff = 0x44;
  file.writeUInt16LE(0x8664, coff);
  file.writeUInt16LE(1, coff + 2);
  file.writeUInt16LE(0xf0, coff + 16);
  file.writeUInt16LE(0x22, coff + 18);
  const optional = coff + 20;
  file.writeUInt16LE(0x20b, optional);
  file.writeUInt32LE(SECTION, optional + 4);
  // The entry point and the base of the code.
  file.writeUInt32LE(SECTION, optional + 16);
  file.writeUInt32LE(SECTION, optional + 20);
  file.writeUInt32LE(SECTION, optional + 32);
  file.writeUInt32LE(0x200, optional + 36);
  // The size in memory and of the headers.
  file.writeUInt32LE(2 * SECTION, optional + 56);
  file.writeUInt32LE(HEADERS, optional + 60);
  // An EFI application.
  file.writeUInt16LE(10, optional + 68);
  file.writeUInt32LE(16, optional + 108);
  const section = optional + 0xf0;
  file.write('.text', section, 'latin1');
  file.writeUInt32LE(SECTION, section + 8);
  file.writeUInt32LE(SECTION, section + 12);
  file.writeUInt32LE(SECTION, section + 16);
  file.writeUInt32LE(HEADERS, section + 20);
  // Code that can be read, written and run.
  file.writeUInt32LE(0xe0000020, section + 36);
  code.copy(file, HEADERS);
  return file;
};

const MB = 2 ** 20;

/** Makes a disk with nothing but an EFI system partition, whose program starts by itself. */
export const makeUefiDisk = async (path: string): Promise<void> => {
  await writeFile(path, '');
  await truncate(path, 8 * MB);
  await execa('sfdisk', ['-q', path], { input: 'label: gpt\nstart=2048, size=10240, type=uefi\n' });
  await execa('mkfs.fat', ['-F', '12', '--offset', '2048', path, String(5 * 1024)]);
  const app = `${path}.efi`;
  await writeFile(app, program(CODE));
  const partition = `${path}@@1M`;
  await execa('mmd', ['-i', partition, '::EFI', '::EFI/BOOT']);
  await execa('mcopy', ['-i', partition, app, '::EFI/BOOT/BOOTX64.EFI']);
};
