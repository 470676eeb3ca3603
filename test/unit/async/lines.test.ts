import { Readable } from 'node:stream';
import test from 'ava';
import { readLines } from '../../../lib/async/lines.js';

const read = async (chunks: Iterable<Buffer>, maxBytes = 1000): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of readLines(Readable.from(chunks), maxBytes)) lines.push(line);
  return lines;
};

test('splits lines at a line feed alone, not at Unicode separators', async (t) => {
  t.deepEqual(await read([Buffer.from('a\u2028b\u2029c\u0085\n\nd\n')]), ['a\u2028b\u2029c\u0085', '', 'd']);
});

test('joins a line from any split of its bytes', async (t) => {
  const bytes = [...Buffer.from('{"ü":"🚀"}\n{}\n')].map((byte) => Buffer.from([byte]));
  t.deepEqual(await read(bytes), ['{"ü":"🚀"}', '{}']);
});

test('drops an unfinished last line', async (t) => {
  t.deepEqual(await read([Buffer.from('whole\nhal')]), ['whole']);
});

test('fails on a line that is too long, and stops reading', async (t) => {
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
