import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readSecretFile } from '../../../lib/files/secret-file.js';
import { tempDir } from '../../helpers/temp.js';

const SECRET = '0123456789abcdef0123456789abcdef';

test('reads one line, without its line feed', async (t) => {
  const path = join(await tempDir(t), 'secret');
  await writeFile(path, `${SECRET}\n`, { mode: 0o600 });
  t.is(await readSecretFile(path), SECRET);
});

for (const mode of [0o640, 0o604, 0o620, 0o666])
  test(`rejects mode ${mode.toString(8)} and says what to do`, async (t) => {
    const path = join(await tempDir(t), 'secret');
    await writeFile(path, SECRET);
    await chmod(path, mode);
    await t.throwsAsync(readSecretFile(path), {
      message: `the secret file ${path} cannot be used: it can be read by others: chmod 600 ${path}`,
    });
  });

for (const [what, content] of Object.entries({
  nothing: '',
  'a short secret': 'short-secret',
  'two lines': `${SECRET}\n${SECRET}`,
  'characters that are invalid in a header': 'Geheimniskrämerei-ist-nötig',
}))
  test(`rejects ${what} without quoting it`, async (t) => {
    const path = join(await tempDir(t), 'secret');
    await writeFile(path, content, { mode: 0o600 });
    const error = await t.throwsAsync(readSecretFile(path), {
      message: /one line of at least 16 ASCII characters.*openssl rand -hex 32 > /,
    });
    t.false(content !== '' && error?.message.includes(content));
  });

test('rejects a missing file and a directory, and names them', async (t) => {
  const dir = await tempDir(t);
  await t.throwsAsync(readSecretFile(join(dir, 'none')), {
    message: /^the secret file .*none cannot be used: ENOENT/,
  });
  await mkdir(join(dir, 'dir'), { mode: 0o700 });
  await t.throwsAsync(readSecretFile(join(dir, 'dir')), {
    message: /dir cannot be used: it is not a regular file/,
  });
  await rm(join(dir, 'dir'), { recursive: true });
});
