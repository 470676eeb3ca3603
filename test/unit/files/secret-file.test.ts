import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readSecretFile } from '../../../lib/files/secret-file.js';
import { tempDir } from '../../helpers/temp.js';

const SECRET = '0123456789abcdef0123456789abcdef';

test('a secret file has one line, whose end does not count', async (t) => {
  const path = join(await tempDir(t), 'secret');
  await writeFile(path, `${SECRET}\n`, { mode: 0o600 });
  t.is(await readSecretFile(path), SECRET);
});

for (const mode of [0o640, 0o604, 0o620, 0o666])
  test(`a secret file with mode ${mode.toString(8)} is refused, with what to do`, async (t) => {
    const path = join(await tempDir(t), 'secret');
    await writeFile(path, SECRET);
    await chmod(path, mode);
    await t.throwsAsync(readSecretFile(path), {
      message: `the secret file ${path} cannot be used: can be read by others than its owner: chmod 600 ${path}`,
    });
  });

for (const [what, content] of Object.entries({
  nothing: '',
  'a short secret': 'short-secret',
  'two lines': `${SECRET}\n${SECRET}`,
  'characters that no header takes': 'Geheimniskrämerei-ist-nötig',
}))
  test(`a secret file with ${what} is refused, and its content is not told`, async (t) => {
    const path = join(await tempDir(t), 'secret');
    await writeFile(path, content, { mode: 0o600 });
    const error = await t.throwsAsync(readSecretFile(path), {
      message: /one line of at least 16 ASCII characters.*openssl rand -hex 32 > /,
    });
    t.false(content !== '' && error?.message.includes(content));
  });

test('a secret file that is not there, or is no file, is named', async (t) => {
  const dir = await tempDir(t);
  await t.throwsAsync(readSecretFile(join(dir, 'none')), {
    message: /^the secret file .*none cannot be used: ENOENT/,
  });
  await mkdir(join(dir, 'dir'), { mode: 0o700 });
  await t.throwsAsync(readSecretFile(join(dir, 'dir')), {
    message: /dir cannot be used: is not a regular file/,
  });
  await rm(join(dir, 'dir'), { recursive: true });
});
