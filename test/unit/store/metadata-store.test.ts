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

test('there is nothing at first, as an empty hash', async (t) => {
  t.deepEqual((await open(t, await newFile(t))).all(), {});
});

test('a patch sets keys, removes those that are null or empty, and answers all of them', async (t) => {
  const store = await open(t, await newFile(t));
  await store.patch({ a: '1', b: '2', c: '3' });
  t.deepEqual(await store.patch({ a: 'new', b: null, c: '', d: '4', e: null }), { a: 'new', d: '4' });
});

test('any key is kept across a restart, with dots and dollars in it too', async (t) => {
  const filename = await newFile(t);
  const metadata = { 'a.b': '1', $set: '2', _id: '3', toString: '4' };
  await (await open(t, filename)).patch(metadata);
  t.deepEqual((await open(t, filename)).all(), metadata);
});

test('patches at the same time end alike in memory and in the file', async (t) => {
  const filename = await newFile(t);
  const store = await open(t, filename);
  await store.patch({ a: '0' });
  const patches = Array.from({ length: 40 }, (_, index) => ({ a: index % 2 ? null : String(index) }));
  await Promise.all(patches.map((patch) => store.patch(patch)));
  t.deepEqual((await open(t, filename)).all(), store.all());
});
