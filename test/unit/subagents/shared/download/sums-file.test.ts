import test from 'ava';
import { findSums } from '../../../../../lib/subagents/shared/download/sums-file.js';

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)];
const LONG = 'c'.repeat(128);

test('finds a file among others, in text and in binary mode', (t) => {
  const text = `${A}  one.qcow2\n${B} *two.qcow2\n${'d'.repeat(32)}  two.qcow2\n`;
  t.deepEqual(findSums(text, 'one.qcow2'), { sha256: A });
  t.deepEqual(findSums(text, 'two.qcow2'), { sha256: B });
});

test('reads sha512 sums, upper case, folders, and a signed message', (t) => {
  const text = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${LONG.toUpperCase()}  ./a/disk.raw\r\n`;
  t.deepEqual(findSums(text, 'disk.raw'), { sha512: LONG });
});

test('reads tagged lines', (t) => {
  t.deepEqual(findSums(`SHA256 (disk.raw) = ${A}\nSHA512 (disk.raw) = ${LONG}\n`, 'disk.raw'), {
    sha256: A,
    sha512: LONG,
  });
});

test('takes the only sum of a file without names', (t) => {
  t.deepEqual(findSums(`${A}\n`, 'disk.raw'), { sha256: A });
});

test('rejects a file without a sum for the source, or with several', (t) => {
  const message = 'lists no sha256 or sha512 sum for disk.raw';
  t.throws(() => findSums(`${A}  other.raw\n`, 'disk.raw'), { message });
  t.throws(() => findSums(`${'d'.repeat(32)}  disk.raw\n`, 'disk.raw'), { message });
  t.throws(() => findSums('<html></html>', 'disk.raw'), { message });
  t.throws(() => findSums(`${A}\n${B}\n`, 'disk.raw'), { message });
  t.throws(() => findSums(`${A}  x/disk.raw\n${B}  y/disk.raw\n`, 'disk.raw'), {
    message: 'lists several sha256 sums for disk.raw: give the right one as sha256',
  });
});
