import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { changeTokens, readTokens, tokenFileOf } from '../../../lib/auth/token-file.js';
import { newToken, withoutToken, withToken } from '../../../lib/auth/tokens.js';
import { operationsIn } from '../../helpers/faulty-disk.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G15.

test('syncs a revocation, and the directory after the rename', async (t) => {
  const dbpath = await tempDir(t);
  const { stored } = newToken('ci', 'operate');
  await changeTokens(dbpath, (tokens) => withToken(tokens, stored));
  const operations = await operationsIn(join(dbpath, 'tokens'), () =>
    changeTokens(dbpath, (tokens) => withoutToken(tokens, 'ci')),
  );
  t.deepEqual(
    operations.filter((each) => /^(sync|rename) /.test(each)),
    ['sync tokens.json+new', 'rename tokens.json+new', 'sync tokens'],
  );
  t.deepEqual(await readTokens(dbpath), []);
});

test('keeps all of several concurrent changes', async (t) => {
  const dbpath = await tempDir(t);
  const names = ['a', 'b', 'c', 'd'];
  await Promise.all(
    names.map((name) => changeTokens(dbpath, (tokens) => withToken(tokens, newToken(name, 'read').stored))),
  );
  t.deepEqual((await readTokens(dbpath)).map(({ name }) => name).sort(), names);
});

test('rejects a damaged file and names it', async (t) => {
  const dbpath = await tempDir(t);
  await changeTokens(dbpath, (tokens) => tokens);
  const file = tokenFileOf(dbpath);
  for (const text of ['{', '[{"name":"ci"}]']) {
    await writeFile(file, text);
    const { message = '' } = (await t.throwsAsync(readTokens(dbpath))) ?? {};
    t.true(message.startsWith(`${file} cannot be used: `), message);
  }
});
