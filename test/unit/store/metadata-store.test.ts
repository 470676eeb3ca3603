import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MetadataStore } from '../../../lib/store/metadata-store.js';
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
