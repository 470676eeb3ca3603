import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exchangeNvram } from '../../../../lib/subagents/qemu/firmware/exchange-nvram.js';
import { tempDir } from '../../../helpers/temp.js';

const [IN_USE, PLAIN, SECURE] = ['nvram.qcow2', 'nvram-plain.qcow2', 'nvram-secure.qcow2'];

type Files = Record<string, string>;

/** Makes a guest's directory with files of some content. */
const dirWith = async (t: ExecutionContext, files: Files): Promise<string> => {
  const dir = await tempDir(t);
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
  return dir;
};

const filesIn = async (dir: string): Promise<Files> =>
  Object.fromEntries(
    await Promise.all(
      (await readdir(dir)).map(async (name) => [name, await readFile(join(dir, name), 'utf8')] as const),
    ),
  );

const ONLY_PLAIN = { [IN_USE]: 'plain' };
const PLAIN_OF_TWO = { [IN_USE]: 'plain', [SECURE]: 'secure' };
const SECURE_OF_TWO = { [IN_USE]: 'secure', [PLAIN]: 'plain' };

for (const [what, before, from, to, after] of [
  ['sets the variables aside that Secure Boot does not use', ONLY_PLAIN, false, true, { [PLAIN]: 'plain' }],
  ['brings the others back', SECURE_OF_TWO, true, false, PLAIN_OF_TWO],
  ['changes nothing of variables that are in use already', PLAIN_OF_TWO, false, false, PLAIN_OF_TWO],
  ['changes nothing of the only ones', ONLY_PLAIN, false, false, ONLY_PLAIN],
  ['changes nothing where there are none', {}, false, true, {}],
] as const)
  test(what, async (t) => {
    const dir = await dirWith(t, before);
    await exchangeNvram([dir], from, to);
    t.deepEqual(await filesIn(dir), after);
    // The record still says `from` when a crash comes before its change.
    await exchangeNvram([dir], from, to);
    t.deepEqual(await filesIn(dir), after);
  });

/** What a crash leaves of an exchange from the plain variables to those with the keys. */
const CRASHES: readonly Files[] = [
  { [IN_USE]: 'plain' },
  { [PLAIN]: 'plain' },
  { [IN_USE]: 'plain', [SECURE]: 'secure' },
  { [PLAIN]: 'plain', [SECURE]: 'secure' },
  { [PLAIN]: 'plain', [IN_USE]: 'secure' },
];

for (const [number, files] of CRASHES.entries()) {
  test(`completes the exchange that a crash left in state ${number}`, async (t) => {
    const dir = await dirWith(t, files);
    await exchangeNvram([dir], false, true);
    const found = await filesIn(dir);
    t.is(found[PLAIN], 'plain');
    t.is(found[IN_USE], Object.values(files).includes('secure') ? 'secure' : undefined);
  });

  test(`puts the variables of the record back in use after a crash in state ${number}`, async (t) => {
    const dir = await dirWith(t, files);
    await exchangeNvram([dir], false, false);
    const found = await filesIn(dir);
    t.is(found[IN_USE], 'plain');
    t.is(found[SECURE], Object.values(files).includes('secure') ? 'secure' : undefined);
  });
}

test('exchanges the variables in each directory of a guest', async (t) => {
  const dirs = [await dirWith(t, {}), await dirWith(t, ONLY_PLAIN)];
  await exchangeNvram(dirs, false, true);
  t.deepEqual(await Promise.all(dirs.map(filesIn)), [{}, { [PLAIN]: 'plain' }]);
});
