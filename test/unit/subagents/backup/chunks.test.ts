import test from 'ava';
import fc from 'fast-check';
import { chunkBytesOf, chunkPath } from '../../../../lib/subagents/backup/chunks/layout.js';
import { DiskSums, parseSums, sumOf } from '../../../../lib/subagents/backup/chunks/sums.js';
import { chunksIn, type MarkedChunk } from '../../../../lib/subagents/backup/nbd/chunks.js';
import type { Extent } from '../../../../lib/subagents/backup/nbd/replies.js';

const MARK = 1;

/** Makes extents of these lengths, every other one marked. */
async function* extentsOf(lengths: readonly number[], first: number): AsyncGenerator<Extent> {
  let offset = 0;
  for (const [n, length] of lengths.entries()) {
    yield { offset, length, flags: (n + first) % 2 };
    offset += length;
  }
}

const collect = async (chunks: AsyncIterable<MarkedChunk>): Promise<MarkedChunk[]> => {
  const all: MarkedChunk[] = [];
  for await (const chunk of chunks) all.push({ ...chunk });
  return all;
};

test('a chunk is marked when any byte of it is, for extents of all lengths', async (t) => {
  const lengths = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      lengths,
      fc.integer({ min: 0, max: 1 }),
      fc.integer({ min: 1, max: 9 }),
      async (list, first, bytes) => {
        const marks = list.flatMap((length, n) => Array<boolean>(length).fill((n + first) % 2 === MARK));
        const expected: MarkedChunk[] = [];
        for (let index = 0; index * bytes < marks.length; index += 1)
          expected.push({ index, isMarked: marks.slice(index * bytes, (index + 1) * bytes).includes(true) });
        const found = await collect(chunksIn(extentsOf(list, first), bytes, ({ flags }) => flags === MARK));
        t.deepEqual(found, expected);
      },
    ),
  );
});

test('the sums of a folder are lines of sha256sum, and come back from them', (t) => {
  const sums = new DiskSums();
  const [one, two] = [Buffer.from('one'), Buffer.from('two')].map(sumOf);
  if (!one || !two) throw new Error('no sums');
  sums.set(3, one);
  sums.set(1025, two);
  sums.set(5, two);
  sums.delete(5);
  t.is(sums.format('0', 0), `${one.toString('hex')}  disks/0/0000/0000003\n`);
  t.is(sums.format('0', 1), `${two.toString('hex')}  disks/0/0001/0001025\n`);
  const again = new DiskSums();
  for (const folder of [1, 0]) again.add(sums.format('0', folder));
  t.deepEqual([...again.indexes()], [3, 1025]);
  t.is(again.count, 2);
  t.true(again.get(1025)?.equals(two));
  t.is(again.get(5), undefined);
  t.deepEqual(again.takeChanged(), []);
  t.throws(() => parseSums('not a sum'), { message: /not a line of sums/ });
});

test('larger disks have larger chunks, whose names sort by number', (t) => {
  const GB = 2 ** 30;
  t.deepEqual([1, 64 * GB, 64 * GB + 1, 1025 * GB].map(chunkBytesOf), [2 ** 17, 2 ** 17, 2 ** 20, 2 ** 22]);
  const paths = [9, 10, 1023, 1024, 99_999, 100_000].map((index) => chunkPath('0', index));
  t.deepEqual(paths.toSorted(), paths);
});
