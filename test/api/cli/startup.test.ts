import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { MISTIFY } from '../../helpers/command-line.js';
import { tempDir } from '../../helpers/temp.js';

/** Returns the modules that a run of `mistify` loads, from V8's coverage. */
const loaded = async (dir: string, ...args: string[]): Promise<string[]> => {
  await execa(process.execPath, [MISTIFY, ...args], { env: { NODE_V8_COVERAGE: dir } });
  const reports = await Promise.all(
    (await readdir(dir)).map(async (name) => JSON.parse(await readFile(join(dir, name), 'utf8'))),
  );
  return (reports as { result: { url: string }[] }[]).flatMap(({ result }) => result.map(({ url }) => url));
};

test.serial('does not load slow modules for --help', async (t) => {
  const modules = await loaded(await tempDir(t), '--help');
  t.true(modules.some((url) => url.includes('/node_modules/commander/')));
  const slow = ['axios', 'joi', 'yaml', 'ora', 'string-width', 'log-update', '@bomb.sh'];
  t.deepEqual(
    slow.filter((name) => modules.some((url) => url.includes(`/node_modules/${name}/`))),
    [],
  );
});
