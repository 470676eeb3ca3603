import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { lockDirectory } from '../../../lib/files/directory-lock.js';
import { packageRoot } from '../../../lib/files/package-root.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G22.

test('rejects a locked directory and says what to do', async (t) => {
  const dir = await tempDir(t);
  const lock = await lockDirectory(dir);
  await t.throwsAsync(lockDirectory(dir), {
    message: /another agent is using .*: stop it, or choose another/,
  });
  await lock.release();
});

test('locks a directory again after a release', async (t) => {
  const dir = await tempDir(t);
  await (await lockDirectory(dir)).release();
  await (await lockDirectory(dir)).release();
  t.pass();
});

test('the kernel releases the lock of a killed process', async (t) => {
  const dir = await tempDir(t);
  const module = join(packageRoot, 'dist/lib/files/directory-lock.js');
  const code = `import { lockDirectory } from '${module}'; await lockDirectory('${dir}'); console.log('locked');`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(other.stdout, 'data');
  other.kill('SIGKILL');
  await once(other, 'exit');
  await t.notThrowsAsync(async () => (await lockDirectory(dir)).release());
});
