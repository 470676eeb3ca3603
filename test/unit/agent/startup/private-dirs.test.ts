import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makePrivateDirs } from '../../../../lib/agent/startup/private-dirs.js';
import { needs } from '../../../helpers/needs.js';
import { tempDir } from '../../../helpers/temp.js';

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

test("creates the directories for the agent's user alone", async (t) => {
  const dbpath = join(await tempDir(t), 'a/b');
  await makePrivateDirs(dbpath);
  for (const path of ['', 'run', 'run/services']) t.is(await modeOf(join(dbpath, path)), '700', path);
});

for (const [before, after] of [
  [0o777, '711'],
  [0o755, '711'],
  [0o750, '710'],
  [0o711, '711'],
  [0o700, '700'],
] as const)
  test(`reduces mode ${before.toString(8)} to ${after}`, async (t) => {
    const dbpath = await tempDir(t);
    await mkdir(join(dbpath, 'run/services'), { recursive: true });
    await chmod(join(dbpath, 'run/services'), 0o777);
    await chmod(dbpath, before);
    await makePrivateDirs(dbpath);
    t.is(await modeOf(dbpath), after);
    t.is(await modeOf(join(dbpath, 'run/services')), '700');
  });

needs('root')('rejects a directory of another user', async (t) => {
  const dbpath = await tempDir(t);
  await chown(dbpath, 65534, 65534);
  await t.throwsAsync(makePrivateDirs(dbpath), {
    message: /belongs to another user: chown it, or configure/,
  });
});
