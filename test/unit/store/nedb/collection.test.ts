import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Collection } from '../../../../lib/store/nedb/collection.js';
import { tempDir } from '../../../helpers/temp.js';

// Guarantees: G13.

interface Counter {
  count: number;
}

const open = async <Value = Counter>(
  t: ExecutionContext,
  filename: string,
  compactAfter?: number,
): Promise<Collection<Value>> => {
  const collection = await Collection.open<Value>(filename, compactAfter);
  t.teardown(() => collection.close());
  return collection;
};

const openNew = async (t: ExecutionContext): Promise<{ filename: string; counters: Collection<Counter> }> => {
  const filename = join(await tempDir(t), 'counters.db');
  const counters = await open(t, filename);
  return { filename, counters };
};

const increment = ({ count }: Counter): Counter => ({ count: count + 1 });

test('keeps documents across a restart', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.insert('a', { count: 1 });
  await counters.put('b', { count: 2 });
  await counters.update('a', increment);
  await counters.put('c', { count: 3 });
  await counters.remove('c');
  t.deepEqual(
    [...(await open(t, filename)).entries()],
    [
      ['a', { count: 2 }],
      ['b', { count: 2 }],
    ],
  );
});

test('keeps values in the order of insertion, across a restart too', async (t) => {
  const { filename, counters } = await openNew(t);
  const ids = ['m', 'z', 'a', 'q', 'b'];
  for (const [count, id] of ids.entries()) await counters.insert(id, { count });
  await counters.update('m', increment);
  t.deepEqual(
    [...counters.entries()].map(([id]) => id),
    ids,
  );
  const reopened = await open(t, filename);
  await reopened.insert('c', { count: 9 });
  t.deepEqual(
    [...reopened.entries()].map(([id]) => id),
    [...ids, 'c'],
  );
  t.deepEqual(
    [...(await open(t, filename)).entries()].map(([id]) => id),
    [...ids, 'c'],
  );
});

test('does not insert a second document with one id', async (t) => {
  const { counters } = await openNew(t);
  const inserted = await Promise.all([1, 2, 3].map((count) => counters.insert('a', { count })));
  t.deepEqual(inserted, [true, false, false]);
  t.deepEqual(counters.get('a'), { count: 1 });
});

test('concurrent updates of one document lose nothing', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.insert('a', { count: 0 });
  await Promise.all(Array.from({ length: 200 }, () => counters.update('a', increment)));
  t.deepEqual(counters.get('a'), { count: 200 });
  t.deepEqual((await open(t, filename)).get('a'), { count: 200 });
});

test('an update during a removal does not bring the document back', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.insert('a', { count: 0 });
  const [, updated] = await Promise.all([counters.remove('a'), counters.update('a', increment)]);
  t.is(updated, undefined);
  t.is(counters.get('a'), undefined);
  t.is((await open(t, filename)).get('a'), undefined);
});

test('keeps a document inserted during the removal of its id', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.insert('a', { count: 0 });
  const [, inserted] = await Promise.all([counters.remove('a'), counters.insert('a', { count: 7 })]);
  t.true(inserted);
  t.deepEqual((await open(t, filename)).get('a'), { count: 7 });
});

test('a change that throws changes nothing, and does not delay the next', async (t) => {
  const { counters } = await openNew(t);
  await counters.insert('a', { count: 1 });
  const change = (): Counter => {
    throw new Error('no');
  };
  await t.throwsAsync(counters.update('a', change), { message: 'no' });
  t.deepEqual(await counters.update('a', increment), { count: 2 });
});

test('a value that cannot be stored does not undo a removal in the same batch', async (t) => {
  const { counters } = await openNew(t);
  await counters.put('a', { count: 1 });
  const [removal, put] = await Promise.allSettled([
    counters.remove('a'),
    counters.put('a', { count: 1n as never }),
  ]);
  t.is(removal.status, 'fulfilled');
  t.is(put.status, 'rejected');
  t.is(counters.get('a'), undefined);
});

test('ignores an update of a missing document', async (t) => {
  const { counters } = await openNew(t);
  t.is(await counters.update('a', increment), undefined);
  t.is(counters.size, 0);
});

test('ignores the removal of a missing document', async (t) => {
  const { counters } = await openNew(t);
  await counters.put('a', { count: 1 });
  await counters.remove('b', 'a', 'c');
  t.is(counters.size, 0);
});

test('cuts off a torn last line and keeps the rest', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.insert('a', { count: 1 });
  await counters.insert('b', { count: 2 });
  await writeFile(filename, `${await readFile(filename, 'utf8')}{"_id":"c","val`);
  const repaired = await open(t, filename);
  await repaired.insert('d', { count: 4 });
  t.deepEqual(
    [...(await open(t, filename)).entries()].map(([id]) => id),
    ['a', 'b', 'd'],
  );
});

test('rejects a file that is damaged in the middle', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.insert('a', { count: 1 });
  await counters.insert('b', { count: 2 });
  const lines = (await readFile(filename, 'utf8')).split('\n');
  await writeFile(filename, [lines[0], '#### not a record ####', ...lines.slice(1)].join('\n'));
  await t.throwsAsync(open(t, filename));
});

test('rejects a file that another version of the agent wrote, and leaves it as it is', async (t) => {
  const filename = join(await tempDir(t), 'counters.db');
  const content = '{"_id":"a","order":1,"value":{"count":1}}\n';
  await writeFile(filename, content);
  await t.throwsAsync(open(t, filename), { message: /a has no JSON text: another version/ });
  t.is(await readFile(filename, 'utf8'), content);
});

test('the file stays short after many changes of few documents', async (t) => {
  const filename = join(await tempDir(t), 'counters.db');
  const counters = await open(t, filename, 100);
  await counters.insert('a', { count: 0 });
  await Promise.all(Array.from({ length: 550 }, () => counters.update('a', increment)));
  await counters.close();
  const lines = (await readFile(filename, 'utf8')).split('\n').length;
  t.true(lines < 110, `${lines} lines`);
  t.deepEqual((await open(t, filename)).get('a'), { count: 550 });
});

test('a write does not wait for a checkpoint', async (t) => {
  const filename = join(await tempDir(t), 'counters.db');
  const counters = await open(t, filename, 1);
  const { ino: first } = await stat(filename);
  await Promise.all(Array.from({ length: 1000 }, (_, count) => counters.insert(`k${count}`, { count })));
  await Promise.all(Array.from({ length: 1000 }, (_, count) => counters.update(`k${count}`, increment)));
  await counters.insert('late', { count: 0 });
  t.is((await stat(filename)).ino, first);
  await counters.close();
  t.not((await stat(filename)).ino, first);
  t.deepEqual((await open(t, filename)).get('late'), { count: 0 });
});

test('keeps changes made during checkpoints', async (t) => {
  const filename = join(await tempDir(t), 'counters.db');
  const counters = await open(t, filename, 10);
  for (let count = 0; count < 300; count += 1) {
    const other = `k${(count + 3) % 7}`;
    await Promise.all([
      counters.put(`k${count % 7}`, { count }),
      count % 3 === 0 ? counters.remove(other) : counters.insert(other, { count }),
    ]);
  }
  await counters.close();
  t.deepEqual((await open(t, filename)).entries(), counters.entries());
});

test('removes the unfinished files of a killed agent', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.put('a', { count: 1 });
  for (const name of [`${filename}.new`, `${filename}.new~`]) await writeFile(name, '{"_id":"b","order":');
  t.deepEqual((await open(t, filename)).entries(), [['a', { count: 1 }]]);
  t.deepEqual(await readdir(dirname(filename)), ['counters.db']);
});

test('keeps characters that NeDB reads as line separators', async (t) => {
  const filename = join(await tempDir(t), 'odd.db');
  const odd = 'a\u0085b\u2028c\u2029d\v\f\r\n';
  const texts = await open<string>(t, filename);
  await texts.put('k', odd);
  const again = await open<string>(t, filename);
  t.is(again.get('k'), odd);
  await again.put('l', odd);
  t.deepEqual((await open<string>(t, filename)).values(), [odd, odd]);
});

test('a document removed and inserted again in one batch comes last, after a restart too', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.put('a', { count: 1 });
  await counters.put('b', { count: 2 });
  await Promise.all([counters.remove('a'), counters.insert('a', { count: 3 })]);
  const ids = (collection: Collection<Counter>): string[] => collection.entries().map(([id]) => id);
  t.deepEqual(ids(counters), ['b', 'a']);
  t.deepEqual(ids(await open(t, filename)), ['b', 'a']);
});

test('a document inserted between the removal and the insertion of another comes before it', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.put('a', { count: 1 });
  await Promise.all([
    counters.remove('a'),
    counters.insert('b', { count: 2 }),
    counters.insert('a', { count: 3 }),
  ]);
  const ids = (collection: Collection<Counter>): string[] => collection.entries().map(([id]) => id);
  t.deepEqual(ids(counters), ['b', 'a']);
  t.deepEqual(ids(await open(t, filename)), ['b', 'a']);
});

test('makes the file readable by its owner alone', async (t) => {
  const { filename, counters } = await openNew(t);
  await counters.put('a', { count: 1 });
  await chmod(filename, 0o644);
  await open(t, filename);
  t.is((await stat(filename)).mode & 0o777, 0o600);
});
