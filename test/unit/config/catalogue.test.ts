import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { readList } from '../../../lib/agent/catalogue/list.js';
import { DEFAULT_CONFIG, loadConfig } from '../../../lib/config/load.js';
import { writeConfigs } from '../../helpers/config-files.js';

test('the list that comes with the agent is valid, and names files of sums of the publishers', async (t) => {
  const { catalogue } = await loadConfig([DEFAULT_CONFIG]);
  const path = join(dirname(DEFAULT_CONFIG), 'catalogue/cloud-images.json');
  t.deepEqual(catalogue.sources.get('cloud'), { list: path });
  const images = await readList(path, async (file) => JSON.parse(await readFile(file, 'utf8')));
  for (const { fetch } of images) t.is(new URL(fetch.sums ?? '').host, new URL(fetch.source).host);
});

test('a file adds, replaces and leaves out sources of the file that it extends', async (t) => {
  const catalogueOfFile = { max_age: 60, sources: { ubuntu: null, mine: { list: 'images.json' } } };
  const dir = await writeConfigs(t, { 'a.json': { extends: DEFAULT_CONFIG, catalogue: catalogueOfFile } });
  const path = join(dir, 'a.json');
  const { catalogue } = await loadConfig([path]);
  t.deepEqual([...catalogue.sources.keys()], ['cloud', 'images', 'mine']);
  t.is(catalogue.sources.get('mine')?.list, join(dirname(path), 'images.json'));
  t.is(catalogue.max_age, 60);
});
