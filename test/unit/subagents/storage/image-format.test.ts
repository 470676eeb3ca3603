import test from 'ava';
import { detectFormat, HEAD_BYTES } from '../../../../lib/subagents/storage/image-format.js';

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

test('content without a known magic is raw', (t) => {
  t.is(detectFormat(Buffer.alloc(512)), 'raw');
});

test('a qcow2 image is known by its magic', (t) => {
  t.is(detectFormat(qcow2()), 'qcow2');
});

test('a vmdk image is known by its magic', (t) => {
  t.is(detectFormat(vmdk()), 'vmdk');
});

test('a qcow2 image with a backing file is refused', (t) => {
  const head = qcow2((bytes) => bytes.writeBigUInt64BE(0x200n, 8));
  t.throws(() => detectFormat(head), { message: /backing file/ });
});

test('a qcow2 image with an external data file is refused', (t) => {
  const head = qcow2((bytes) => bytes.writeBigUInt64BE(4n, 72));
  t.throws(() => detectFormat(head), { message: /external data file/ });
});

test('an encrypted qcow2 image is refused', (t) => {
  const head = qcow2((bytes) => bytes.writeUInt32BE(2, 32));
  t.throws(() => detectFormat(head), { message: /encrypted/ });
});

test('a qcow image of version 1 is refused', (t) => {
  const head = qcow2((bytes) => bytes.writeUInt32BE(1, 4));
  t.throws(() => detectFormat(head), { message: /version 1/ });
});

test('a qcow2 image that ends within its header is refused', (t) => {
  t.throws(() => detectFormat(qcow2().subarray(0, 40)), { message: /cut off/ });
});

test('a vmdk image with its data in other files is refused', (t) => {
  const head = vmdk((bytes) => bytes.writeBigUInt64LE(0n, 12));
  t.throws(() => detectFormat(head), { message: /other files/ });
});

test('a vmdk image with a parent is refused', (t) => {
  const head = vmdk((bytes) => bytes.write('parentFileNameHint="/etc/shadow"', 0x400));
  t.throws(() => detectFormat(head), { message: /parent/ });
});

test('a split vmdk, which names its extents, is refused', (t) => {
  t.throws(() => detectFormat(Buffer.from('# Disk DescriptorFile\nversion=1\n')), {
    message: /split VMware/,
  });
});

test('other containers are refused by name and not taken for raw', (t) => {
  t.throws(() => detectFormat(Buffer.from('conectix0000')), { message: /VHD/ });
  t.throws(() => detectFormat(Buffer.from([0x1f, 0x8b, 8, 0])), { message: /gzip/ });
});

test('an empty file is refused', (t) => {
  t.throws(() => detectFormat(Buffer.alloc(0)), { message: 'an empty file' });
});
