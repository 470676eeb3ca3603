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

test('detects raw in content without a known magic number', (t) => {
  t.is(detectFormat(Buffer.alloc(512)), 'raw');
});

test('detects qcow2 by its magic number', (t) => {
  t.is(detectFormat(qcow2()), 'qcow2');
});

test('detects vmdk by its magic number', (t) => {
  t.is(detectFormat(vmdk()), 'vmdk');
});

test('rejects a qcow2 image with a backing file', (t) => {
  const head = qcow2((bytes) => bytes.writeBigUInt64BE(0x200n, 8));
  t.throws(() => detectFormat(head), { message: /backing file/ });
});

test('rejects a qcow2 image with an external data file', (t) => {
  const head = qcow2((bytes) => bytes.writeBigUInt64BE(4n, 72));
  t.throws(() => detectFormat(head), { message: /external data file/ });
});

test('rejects an encrypted qcow2 image', (t) => {
  const head = qcow2((bytes) => bytes.writeUInt32BE(2, 32));
  t.throws(() => detectFormat(head), { message: /encrypted/ });
});

test('rejects a qcow image of version 1', (t) => {
  const head = qcow2((bytes) => bytes.writeUInt32BE(1, 4));
  t.throws(() => detectFormat(head), { message: /version 1/ });
});

test('rejects a qcow2 image with a truncated header', (t) => {
  t.throws(() => detectFormat(qcow2().subarray(0, 40)), { message: /truncated/ });
});

test('rejects a vmdk image that keeps its data in other files', (t) => {
  const head = vmdk((bytes) => bytes.writeBigUInt64LE(0n, 12));
  t.throws(() => detectFormat(head), { message: /other files/ });
});

test('rejects a vmdk image with a parent', (t) => {
  const head = vmdk((bytes) => bytes.write('parentFileNameHint="/etc/shadow"', 0x400));
  t.throws(() => detectFormat(head), { message: /parent/ });
});

test('rejects a split vmdk, which names its extents', (t) => {
  t.throws(() => detectFormat(Buffer.from('# Disk DescriptorFile\nversion=1\n')), {
    message: /split VMware/,
  });
});

test('rejects other formats by name', (t) => {
  t.throws(() => detectFormat(Buffer.from('conectix0000')), { message: /VHD/ });
  t.throws(() => detectFormat(Buffer.from([0x1f, 0x8b, 8, 0])), { message: /gzip/ });
});

test('rejects an empty file', (t) => {
  t.throws(() => detectFormat(Buffer.alloc(0)), { message: 'the file is empty' });
});
