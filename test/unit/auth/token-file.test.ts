import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { changeTokens, readTokens, tokenFileOf } from '../../../lib/auth/token-file.js';
import { newToken, withoutToken, withToken } from '../../../lib/auth/tokens.js';
import { STATE_FORMAT } from '../../../lib/files/state-format.js';
import { grantsOfScope } from '../../../lib/model/rights.js';
import { operationsIn } from '../../helpers/faulty-disk.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G15.

test('syncs a revocation, and the directory after the rename', async (t) => {
  const dbpath = await tempDir(t);
  const { stored } = newToken('ci', grantsOfScope('operate'));
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
    names.map((name) =>
      changeTokens(dbpath, (tokens) => withToken(tokens, newToken(name, grantsOfScope('read')).stored)),
    ),
  );
  t.deepEqual((await readTokens(dbpath)).map(({ name }) => name).sort(), names);
});

test('gives a token of an earlier format the rights of its scope', async (t) => {
  const dbpath = await tempDir(t);
  const { stored } = newToken('ci', grantsOfScope('export'));
  const { grants, ...rest } = stored;
  await changeTokens(dbpath, () => []);
  const earlier = { format: 5, tokens: [{ ...rest, scope: 'export' }] };
  await writeFile(tokenFileOf(dbpath), JSON.stringify(earlier));
  t.deepEqual(await readTokens(dbpath), [stored]);
});

test('rejects a token with a scope in a file of this format, and one without grants', async (t) => {
  const dbpath = await tempDir(t);
  const { stored } = newToken('ci', grantsOfScope('export'));
  await changeTokens(dbpath, () => []);
  for (const wrong of [
    { scope: 'admin' },
    {},
    { grants: [] },
    { grants: [{ can: ['look'], guests: null }] },
  ]) {
    const tokens = [{ ...stored, grants: undefined, ...wrong }];
    await writeFile(tokenFileOf(dbpath), JSON.stringify({ format: STATE_FORMAT, tokens }));
    await t.throwsAsync(readTokens(dbpath), { message: /cannot be used/ }, JSON.stringify(wrong));
  }
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
