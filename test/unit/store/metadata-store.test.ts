import { join } from 'node:path';
import test from 'ava';
import { MetadataStore } from '../../../lib/store/metadata-store.js';
import { tempDir } from '../../helpers/temp.js';

const newFile = async (t: Parameters<typeof tempDir>[0]): Promise<string> =>
  join(await tempDir(t), 'metadata.db');

test('there is nothing at first, as an empty hash', async (t) => {
  t.deepEqual((await MetadataStore.open(await newFile(t))).all(), {});
});

test('a patch sets keys, removes those that are null or empty, and answers all of them', async (t) => {
  const store = await MetadataStore.open(await newFile(t));
  t.teardown(() => store.close());
  await store.patch({ a: '1', b: '2', c: '3' });
  t.deepEqual(await store.patch({ a: 'new', b: null, c: '', d: '4', e: null }), { a: 'new', d: '4' });
});

test('any key is kept across a restart, with dots and dollars in it too', async (t) => {
  const filename = await newFile(t);
  const metadata = { 'a.b': '1', $set: '2', _id: '3', toString: '4' };
  await (await MetadataStore.open(filename)).patch(metadata);
  t.deepEqual((await MetadataStore.open(filename)).all(), metadata);
});

test('patches at the same time end alike in memory and in the file', async (t) => {
  const filename = await newFile(t);
  const store = await MetadataStore.open(filename);
  t.teardown(() => store.close());
  await store.patch({ a: '0' });
  const patches = Array.from({ length: 40 }, (_, index) => ({ a: index % 2 ? null : String(index) }));
  await Promise.all(patches.map((patch) => store.patch(patch)));
  t.deepEqual((await MetadataStore.open(filename)).all(), store.all());
});
