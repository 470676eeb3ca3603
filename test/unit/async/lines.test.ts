import { Readable } from 'node:stream';
import test from 'ava';
import { readLines } from '../../../lib/async/lines.js';

const read = async (chunks: Iterable<Buffer>, maxBytes = 1000): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of readLines(Readable.from(chunks), maxBytes)) lines.push(line);
  return lines;
};

test('lines end with a line feed alone, not with what Unicode has for it', async (t) => {
  t.deepEqual(await read([Buffer.from('a\u2028b\u2029c\u0085\n\nd\n')]), ['a\u2028b\u2029c\u0085', '', 'd']);
});

test('a line comes out whole, however its bytes came in', async (t) => {
  const bytes = [...Buffer.from('{"ü":"🚀"}\n{}\n')].map((byte) => Buffer.from([byte]));
  t.deepEqual(await read(bytes), ['{"ü":"🚀"}', '{}']);
});

test('what has no end is no line', async (t) => {
  t.deepEqual(await read([Buffer.from('whole\nhal')]), ['whole']);
});

test('a line that is too long is an error, and no more of it is read', async (t) => {
  let pulled = 0;
  const endless = function* () {
    for (;;) {
      pulled += 1;
      yield Buffer.alloc(100, 'x');
    }
  };
  await t.throwsAsync(read(endless()), { instanceOf: RangeError, message: /longer than 1000 bytes/ });
  t.true(pulled < 100, `${pulled}`);
});
