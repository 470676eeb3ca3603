import test from 'ava';
import type { ImageFormat } from '../../../../lib/model/image-formats.js';
import { detectFormat } from '../../../../lib/subagents/storage/image-format.js';
import { HEAD_BYTES } from '../../../../lib/subagents/storage/raw-disk.js';

const detect = (file: Buffer, wanted?: ImageFormat): ImageFormat =>
  detectFormat({ head: file.subarray(0, HEAD_BYTES), tail: file.subarray(-512), size: file.length }, wanted);

/** Returns zeros with some text at an offset. */
const withText = (size: number, offset: number, text: string): Buffer => {
  const file = Buffer.alloc(size);
  file.write(text, offset, 'latin1');
  return file;
};

const footer = (change: (bytes: Buffer) => void = () => undefined): Buffer => {
  const bytes = withText(512, 0, 'conectix');
  bytes.writeBigUInt64BE(1024n, 48);
  bytes.writeUInt32BE(2, 60);
  change(bytes);
  return bytes;
};

const qcow2 = (change: (head: Buffer) => void = () => undefined): Buffer => {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write('QFI\xfb', 'latin1');
  head.writeUInt32BE(3, 4);
  change(head);
  return head;
};

const vmdk = (change: (head: Buffer) => void = () => undefined): Buffer => {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write('KDMV', 'latin1');
  head.writeBigUInt64LE(2048n, 12);
  change(head);
  return head;
};

for (const [name, offset, text] of [
  ['a boot sector', 510, '\x55\xaa'],
  ['a GPT', 512, 'EFI PART'],
  ['a GPT of a disk with sectors of 4096 bytes', 4096, 'EFI PART'],
  ['ext4', 1080, '\x53\xef'],
  ['XFS', 0, 'XFSB'],
  ['btrfs', 0x10040, '_BHRfS_M'],
  ['ISO 9660', 0x8001, 'CD001'],
  ['LVM', 512, 'LABELONE'],
] as const)
  test(`detects a raw disk by ${name}`, (t) => {
    t.is(detect(withText(HEAD_BYTES, offset, text)), 'raw');
  });

test('accepts a file of unknown format only when the caller says that it is raw', (t) => {
  t.throws(() => detect(Buffer.alloc(512)), { message: /is not known to be a disk.*"format": "raw"$/ });
  t.is(detect(Buffer.alloc(512), 'raw'), 'raw');
  t.is(detect(Buffer.alloc(512, 'B'), 'raw'), 'raw');
});

test('rejects a file that is no multiple of 512 bytes, even when the caller says that it is raw', (t) => {
  for (const wanted of ['raw', undefined] as const)
    t.throws(() => detect(withText(1000, 510, '\x55\xaa'), wanted), {
      message: /^the file has 1000 bytes, which is no multiple of 512/,
    });
});

for (const [name, text, message] of [
  [
    'a Git LFS pointer',
    'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n',
    /is a Git LFS pointer/,
  ],
  ['JSON', '{"message": "no such file"}', /is text, not an image/],
  ['a file of sums', `${'0'.repeat(64)}  disk.raw\n`.repeat(20), /is text, not an image/],
  ['a web page', '\n<!DOCTYPE html><title>Log in</title>', /is a web page/],
  ['a cpio archive', '070701000000', /in cpio format/],
  ['a binary cpio archive', '\xc7\x71\0\0', /in cpio format/],
  ['lzma', '\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff', /contains a lzma file/],
  ['bzip2', 'BZh91AY&SY', /contains a bzip2 file/],
] as const)
  test(`rejects ${name}`, (t) => {
    t.throws(() => detect(Buffer.from(text, 'latin1')), { message });
  });

test('rejects a Linux kernel, which begins with a sector like a boot sector', (t) => {
  const kernel = withText(1024, 510, '\x55\xaaHdrS');
  kernel.write('HdrS', 0x202, 'latin1');
  t.throws(() => detect(kernel), { message: /is a Linux kernel/ });
});

test('rejects a tar archive in the format before ustar', (t) => {
  const header = withText(1024, 0, 'disk.img');
  header.write('0000644\x000000000\x000000000\x0000000001000\x0014726746322\x00', 100, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0) + 8 * 32;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  t.throws(() => detect(header), { message: /contains a tar archive/ });
});

test('detects a VHD by its footer alone', (t) => {
  t.is(detect(Buffer.concat([Buffer.alloc(1024), footer()])), 'vhd');
  t.is(detect(Buffer.concat([withText(1024, 510, '\x55\xaa'), footer()])), 'vhd');
  t.throws(() => detect(Buffer.concat([Buffer.alloc(1024), footer()]), 'raw'), {
    message: 'the file is in the format vhd, not raw',
  });
});

test('rejects a truncated VHD, and one with a parent', (t) => {
  const dynamic = footer((bytes) => bytes.writeUInt32BE(3, 60));
  t.is(detect(Buffer.concat([dynamic, Buffer.alloc(512), dynamic])), 'vhd');
  t.throws(() => detect(Buffer.concat([dynamic, Buffer.alloc(1024)])), { message: /has no footer/ });
  t.throws(() => detect(Buffer.concat([Buffer.alloc(512), footer()])), {
    message: /describes a larger disk/,
  });
  const differencing = footer((bytes) => bytes.writeUInt32BE(4, 60));
  t.throws(() => detect(Buffer.concat([differencing, Buffer.alloc(512), differencing])), {
    message: /needs a parent/,
  });
});

test('detects VHDX and VDI by their magic numbers', (t) => {
  t.is(detect(withText(512, 0, 'vhdxfile')), 'vhdx');
  t.is(detect(withText(512, 64, '\x7f\x10\xda\xbe')), 'vdi');
});

test('rejects a file in a format other than the declared one', (t) => {
  t.throws(() => detect(qcow2(), 'raw'), { message: 'the file is in the format qcow2, not raw' });
  t.throws(() => detect(withText(512, 510, '\x55\xaa'), 'qcow2'), {
    message: 'the file is in the format raw, not qcow2',
  });
});

test('detects qcow2 by its magic number', (t) => {
  t.is(detect(qcow2()), 'qcow2');
});

test('detects vmdk by its magic number', (t) => {
  t.is(detect(vmdk()), 'vmdk');
});

test('rejects a qcow2 image with a backing file', (t) => {
  const head = qcow2((bytes) => bytes.writeBigUInt64BE(0x200n, 8));
  t.throws(() => detect(head), { message: /backing file/ });
});

test('rejects a qcow2 image with an external data file', (t) => {
  const head = qcow2((bytes) => bytes.writeBigUInt64BE(4n, 72));
  t.throws(() => detect(head), { message: /external data file/ });
});

test('rejects an encrypted qcow2 image', (t) => {
  const head = qcow2((bytes) => bytes.writeUInt32BE(2, 32));
  t.throws(() => detect(head), { message: /encrypted/ });
});

test('rejects a qcow image of version 1', (t) => {
  const head = qcow2((bytes) => bytes.writeUInt32BE(1, 4));
  t.throws(() => detect(head), { message: /version 1/ });
});

test('rejects a qcow2 image with a truncated header', (t) => {
  t.throws(() => detect(qcow2().subarray(0, 40)), { message: /truncated/ });
});

test('rejects a vmdk image that keeps its data in other files', (t) => {
  const head = vmdk((bytes) => bytes.writeBigUInt64LE(0n, 12));
  t.throws(() => detect(head), { message: /other files/ });
});

test('rejects a vmdk image with a parent', (t) => {
  const head = vmdk((bytes) => bytes.write('parentFileNameHint="/etc/shadow"', 0x400));
  t.throws(() => detect(head), { message: /parent/ });
});

test('rejects a split vmdk, which names its extents', (t) => {
  t.throws(() => detect(Buffer.from('# Disk DescriptorFile\nversion=1\n')), {
    message: /split VMware/,
  });
});

test('rejects other formats by name', (t) => {
  t.throws(() => detect(Buffer.from('QED\0')), { message: /QED/ });
  t.throws(() => detect(Buffer.from([0x1f, 0x8b, 8, 0])), { message: /gzip/ });
});

test('rejects an empty file', (t) => {
  t.throws(() => detect(Buffer.alloc(0)), { message: 'the file is empty' });
});
