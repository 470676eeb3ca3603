import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { checkStateFormat } from '../../../../lib/agent/startup/state-format.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

test('marks new state and that of an earlier version as of this one', async (t) => {
  const dir = await tempDir(t);
  await checkStateFormat(dir, silentLog);
  t.is(await readFile(join(dir, 'format'), 'utf8'), '2\n');
  await writeFile(join(dir, 'format'), '1\n');
  await checkStateFormat(dir, silentLog);
  t.is(await readFile(join(dir, 'format'), 'utf8'), '2\n');
});

for (const text of ['3', '99\n', 'garbage'])
  test(`refuses state of format ${JSON.stringify(text)} and leaves it as it is`, async (t) => {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'format'), text);
    await t.throwsAsync(checkStateFormat(dir, silentLog), {
      message: /was written by a newer version of the agent \(format .*this version knows 2\)/,
    });
    t.is(await readFile(join(dir, 'format'), 'utf8'), text);
  });

test('does without the mark where it cannot be written', async (t) => {
  await t.notThrowsAsync(checkStateFormat(join(await tempDir(t), 'missing'), silentLog));
});
