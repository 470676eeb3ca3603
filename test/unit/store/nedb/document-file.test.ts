import '../../../helpers/faulty-disk.js';

import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { STATE_FORMAT } from '../../../../lib/files/state-format.js';
import { Collection } from '../../../../lib/store/nedb/collection.js';
import { type Judge, operationsIn, withFaults } from '../../../helpers/faulty-disk.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

// Guarantees: G10.

interface Files {
  directory: string;
  journal: string;
  nedb: string;
}

const filesIn = async (t: ExecutionContext): Promise<Files> => {
  const directory = await tempDir(t);
  return { directory, journal: join(directory, 'numbers.db'), nedb: join(directory, 'numbers.nedb') };
};

const linesIn = async (path: string): Promise<object[]> => {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as object);
};

const headerFor = async ({ nedb }: Files): Promise<object> => ({
  _id: 'the journal of numbers.nedb',
  continues: 'numbers.nedb',
  size: (await stat(nedb)).size,
  format: STATE_FORMAT,
});

const open = async (t: ExecutionContext, { journal }: Files, checkpointAfter?: number) => {
  const collection = await Collection.open<number>(journal, checkpointAfter);
  t.teardown(() => collection.close());
  return collection;
};

/** Files of a collection with `a` = 1 and `b` = 2, closed. */
const closedFiles = async (t: ExecutionContext): Promise<Files> => {
  const files = await filesIn(t);
  const collection = await open(t, files);
  await Promise.all([collection.put('a', 1), collection.put('b', 2)]);
  await collection.close();
  return files;
};

const full: Judge = (operation) =>
  operation === 'append' || operation === 'write' ? { code: 'ENOSPC', written: 0.3 } : undefined;

test('writes changes to the journal, and on close hands them to NeDB', async (t) => {
  const files = await filesIn(t);
  const collection = await open(t, files);
  await collection.put('a', 1);
  await collection.put('a', 2);
  t.deepEqual(await linesIn(files.journal), [
    { _id: 'the format of this file', $$deleted: true, format: STATE_FORMAT },
    { _id: 'a', order: 1, json: '1' },
    { _id: 'a', order: 1, json: '2' },
  ]);
  await collection.close();
  t.deepEqual(await linesIn(files.journal), [await headerFor(files)]);
  t.deepEqual(await linesIn(files.nedb), [{ _id: 'a', order: 1, json: '2' }]);
});

test('replays the journal of a killed agent over what NeDB has', async (t) => {
  const files = await closedFiles(t);
  const killed = await open(t, files);
  await Promise.all([killed.remove('a'), killed.put('b', 3), killed.put('c', 4)]);
  t.deepEqual((await open(t, files)).entries(), [
    ['b', 3],
    ['c', 4],
  ]);
});

test('syncs the NeDB file before it shortens the journal', async (t) => {
  const files = await closedFiles(t);
  const collection = await open(t, files);
  await collection.put('a', 2);
  const operations = await operationsIn(files.directory, () => collection.close());
  const [written, synced, shortened] = [
    operations.lastIndexOf('append numbers.nedb'),
    operations.lastIndexOf('sync numbers.nedb'),
    operations.indexOf('rename numbers.db.new'),
  ];
  t.true(written >= 0 && written < synced && synced < shortened, operations.join(', '));
});

test('does not touch the NeDB file until there are changes for it', async (t) => {
  const files = await closedFiles(t);
  const { ino, mtimeMs } = await stat(files.nedb);
  await withFaults(files.directory, full, async () => {
    const collection = await open(t, files);
    t.is(collection.get('a'), 1);
    await collection.close();
  });
  const after = await stat(files.nedb);
  t.deepEqual([after.ino, after.mtimeMs], [ino, mtimeMs]);
});

test('opens on a full disk, rejects writes, and accepts them once there is room', async (t) => {
  const files = await closedFiles(t);
  const collection = await withFaults(files.directory, full, async () => {
    const opened = await open(t, files);
    t.deepEqual(opened.entries(), [
      ['a', 1],
      ['b', 2],
    ]);
    t.like(await t.throwsAsync(opened.put('a', 3)), { kind: 'disk_full' });
    return opened;
  });
  await collection.put('a', 4);
  await collection.close();
  t.is((await open(t, files)).get('a'), 4);
});

test('keeps the journal when there is no room for NeDB, and shortens it when there is', async (t) => {
  const files = await closedFiles(t);
  const collection = await open(t, files, 8);
  let failures = 0;
  const noRoomForNedb: Judge = (operation, file) => {
    const fault = file.startsWith('numbers.nedb') ? full(operation, file) : undefined;
    if (fault) failures += 1;
    return fault;
  };
  await withFaults(files.directory, noRoomForNedb, async () => {
    for (let value = 0; value < 30; value += 1) await collection.put('a', value);
    await until('NeDB fails', () => failures > 0);
    // A checkpoint may still be running.
    await delay(100);
  });
  const journaled = await linesIn(files.journal);
  t.is(journaled.filter((line) => 'json' in line).length, 30);
  for (let value = 0; value < 30; value += 1) await collection.put('b', value);
  await collection.close();
  t.deepEqual(await linesIn(files.journal), [await headerFor(files)]);
  t.deepEqual(await readdir(files.directory), ['numbers.db', 'numbers.nedb']);
  t.deepEqual((await open(t, files)).entries(), [
    ['a', 29],
    ['b', 29],
  ]);
});

test('opens the files of earlier versions, which had everything in one', async (t) => {
  const files = await filesIn(t);
  const lines = [
    { _id: 'b', order: 2, json: '2' },
    { _id: 'a', order: 1, json: '0' },
    { _id: 'c', order: 3, json: '3' },
    { $$deleted: true, _id: 'c' },
    { _id: 'a', order: 1, json: '1' },
  ];
  await writeFile(files.journal, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const collection = await open(t, files);
  await collection.put('d', 4);
  await collection.close();
  t.deepEqual((await open(t, files)).entries(), [
    ['a', 1],
    ['b', 2],
    ['d', 4],
  ]);
});

test('begins the journal with a line that earlier versions reject', async (t) => {
  const [header] = await linesIn((await closedFiles(t)).journal);
  // They require an id and JSON text of each document.
  t.true(header !== undefined && '_id' in header && !('json' in header));
});

test('ignores the NeDB file of a first checkpoint that did not finish', async (t) => {
  const files = await filesIn(t);
  const collection = await open(t, files);
  await collection.put('a', 1);
  await writeFile(files.nedb, '{"_id":"stale","order":1,"json":"9"}\n');
  t.deepEqual((await open(t, files)).entries(), [['a', 1]]);
});

test('rejects a journal without its NeDB file', async (t) => {
  const files = await closedFiles(t);
  await rm(files.nedb);
  await t.throwsAsync(open(t, files), { message: /numbers\.nedb is missing: restore it/ });
});

test('rejects a NeDB file that is shorter than at the last checkpoint, and changes nothing', async (t) => {
  const files = await closedFiles(t);
  const whole = await readFile(files.nedb);
  const journal = await readFile(files.journal);
  for (const size of [0, whole.indexOf('\n') + 1, whole.length - 10]) {
    await writeFile(files.nedb, whole.subarray(0, size));
    await t.throwsAsync(open(t, files), { message: /numbers\.nedb is truncated: it must have at least/ });
    t.deepEqual(await readFile(files.nedb), whole.subarray(0, size));
    t.deepEqual(await readFile(files.journal), journal);
  }
});

test('opens a NeDB file that became shorter in a checkpoint that did not finish', async (t) => {
  const files = await closedFiles(t);
  const killed = await open(t, files);
  await killed.remove('a');
  const noRename: Judge = (operation, file) =>
    operation === 'rename' && file === 'numbers.db.new' ? { code: 'EIO', written: 0 } : undefined;
  const { size } = await stat(files.nedb);
  await withFaults(files.directory, noRename, () => killed.close());
  // As after a compaction.
  await writeFile(files.nedb, '{"_id":"b","order":2,"json":"2"}\n');
  t.true((await stat(files.nedb)).size < size);
  t.deepEqual((await open(t, files)).entries(), [['b', 2]]);
});

test('opens the files of a collection that has become empty, again and again', async (t) => {
  const files = await closedFiles(t);
  const collection = await open(t, files);
  await collection.remove('a', 'b');
  await collection.close();
  for (let start = 0; start < 3; start += 1) {
    const empty = await open(t, files);
    t.is(empty.size, 0);
    await empty.close();
  }
});

test('opens a journal without the size of its NeDB file, as earlier versions wrote it', async (t) => {
  const files = await closedFiles(t);
  await writeFile(files.journal, '{"_id":"the journal of numbers.nedb","continues":"numbers.nedb"}\n');
  t.is((await open(t, files)).size, 2);
});

test('rejects a NeDB file without its journal, and changes nothing', async (t) => {
  const files = await closedFiles(t);
  const nedb = await readFile(files.nedb);
  const message = /numbers\.db is missing or empty, but belongs to .*nedb/;
  await truncate(files.journal, 20);
  const torn = await readFile(files.journal);
  await t.throwsAsync(open(t, files), { message });
  t.deepEqual(await readFile(files.journal), torn);
  await rm(files.journal);
  await t.throwsAsync(open(t, files), { message });
  t.deepEqual(await readdir(files.directory), ['numbers.nedb']);
  t.deepEqual(await readFile(files.nedb), nedb);
});

test('does not repair a journal when its NeDB file is missing', async (t) => {
  const files = await closedFiles(t);
  await writeFile(files.journal, '{"_id":"c","ord', { flag: 'a' });
  const journal = await readFile(files.journal);
  await rm(files.nedb);
  await t.throwsAsync(open(t, files), { message: /numbers\.nedb is missing/ });
  t.deepEqual(await readFile(files.journal), journal);
});

test('rejects a damaged line in the journal, and names it', async (t) => {
  const files = await filesIn(t);
  const content = '{"_id":"a","order":1,"json":"1"}\n####\n{"_id":"b","order":2,"json":"2"}\n{"_id"';
  await writeFile(files.journal, content);
  await t.throwsAsync(open(t, files), { message: /numbers\.db: line 2 is damaged/ });
  t.is(await readFile(files.journal, 'utf8'), content);
});

test('rejects a NeDB file that is damaged in the middle, and leaves it as it is', async (t) => {
  const files = await closedFiles(t);
  const damaged = `####\n${await readFile(files.nedb, 'utf8')}`;
  await writeFile(files.nedb, damaged);
  await t.throwsAsync(open(t, files), { message: /numbers\.nedb cannot be read, restore it from a backup/ });
  t.is(await readFile(files.nedb, 'utf8'), damaged);
});

test('cuts off a torn last line of the NeDB file', async (t) => {
  const files = await closedFiles(t);
  await writeFile(files.nedb, '{"_id":"c","ord', { flag: 'a' });
  t.deepEqual((await open(t, files)).entries(), [
    ['a', 1],
    ['b', 2],
  ]);
});

test('both files are readable by their owner alone', async (t) => {
  const { journal, nedb } = await closedFiles(t);
  for (const path of [journal, nedb]) t.is((await stat(path)).mode & 0o777, 0o600, path);
});
