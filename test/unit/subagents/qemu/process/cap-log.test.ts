import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { capLog } from '../../../../../lib/subagents/qemu/process/cap-log.js';
import { tempDir } from '../../../../helpers/temp.js';

test('copies a log that is too long and truncates it, and leaves a short one alone', async (t) => {
  const path = join(await tempDir(t), 'serial.log');
  await writeFile(path, 'x'.repeat(100));
  await capLog(path, 100);
  t.is((await readFile(path, 'utf8')).length, 100);
  await capLog(path, 99);
  t.is(await readFile(path, 'utf8'), '');
  t.is((await readFile(`${path}.1`, 'utf8')).length, 100);
  await t.notThrowsAsync(capLog(`${path}.none`));
});
