import '../../helpers/faulty-disk.js';

import { copyFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MetadataStore } from '../../../lib/store/metadata-store.js';
import { type Judge, operationsIn, withFaults } from '../../helpers/faulty-disk.js';
import { tempDir } from '../../helpers/temp.js';

const newFile = async (t: ExecutionContext): Promise<string> => join(await tempDir(t), 'metadata.db');

const open = async (t: ExecutionContext, filename: string): Promise<MetadataStore> => {
  const store = await MetadataStore.open(filename);
  t.teardown(() => store.close());
  return store;
};

test('begins with an empty hash', async (t) => {
  t.deepEqual((await open(t, await newFile(t))).all(), {});
});

test('a patch sets keys, removes null and empty ones, and returns all', async (t) => {
  const store = await open(t, await newFile(t));
  await store.patch({ a: '1', b: '2', c: '3' });
  t.deepEqual(await store.patch({ a: 'new', b: null, c: '', d: '4', e: null }), { a: 'new', d: '4' });
});

test('keeps any key across a restart, even one with dots or dollars', async (t) => {
  const filename = await newFile(t);
  const metadata = { 'a.b': '1', $set: '2', _id: '3', toString: '4' };
  await (await open(t, filename)).patch(metadata);
  t.deepEqual((await open(t, filename)).all(), metadata);
});

test('concurrent patches leave the same in memory and in the file', async (t) => {
  const filename = await newFile(t);
  const store = await open(t, filename);
  await store.patch({ a: '0' });
  const patches = Array.from({ length: 40 }, (_, index) => ({ a: index % 2 ? null : String(index) }));
  await Promise.all(patches.map((patch) => store.patch(patch)));
  t.deepEqual((await open(t, filename)).all(), store.all());
});

/** Changes one key, removes another, and sets many more than share a batch of writes. */
const LARGE_PATCH = {
  changed: 'new',
  removed: null,
  ...Object.fromEntries(Array.from({ length: 1100 }, (_, index) => [`key-${index}`, 'value'])),
};

test('stores none of many keys when the disk becomes full', async (t) => {
  const directory = await tempDir(t);
  const store = await open(t, join(directory, 'metadata.db'));
  await store.patch({ changed: 'old', removed: 'old' });
  for (const passing of [0, 1, 2]) {
    let appends = 0;
    const full: Judge = (operation) => {
      if (operation !== 'append') return undefined;
      appends += 1;
      return appends > passing ? { code: 'ENOSPC', written: 0.6 } : undefined;
    };
    const before = store.all();
    const after = await withFaults(directory, full, () => store.patch(LARGE_PATCH).catch(() => before));
    t.deepEqual(store.all(), after);
    t.deepEqual((await open(t, join(directory, 'metadata.db'))).all(), after);
  }
});

test('stores many keys with one append, and all or none of them when the agent is killed meanwhile', async (t) => {
  const directory = await tempDir(t);
  const filename = join(directory, 'metadata.db');
  const store = await open(t, filename);
  await store.patch({ changed: 'old', removed: 'old' });
  const before = (await stat(filename)).size;
  const operations = await operationsIn(directory, () => store.patch(LARGE_PATCH));
  t.deepEqual(
    operations.filter((operation) => operation.startsWith('append')),
    ['append metadata.db'],
  );
  t.deepEqual((await open(t, filename)).all(), store.all());
  const written = (await stat(filename)).size - before;
  const copy = join(directory, 'copy.db');
  for (const fraction of [0, 0.01, 0.5, 0.99]) {
    await copyFile(filename, copy);
    await truncate(copy, before + Math.floor(written * fraction));
    t.deepEqual((await open(t, copy)).all(), { changed: 'old', removed: 'old' });
  }
});
