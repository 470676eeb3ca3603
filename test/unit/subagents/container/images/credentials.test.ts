import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Credentials } from '../../../../../lib/subagents/container/images/credentials.js';
import { tempDir } from '../../../../helpers/temp.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const withFile = async (t: ExecutionContext, content: string, mode = 0o600): Promise<Credentials> => {
  const path = join(await tempDir(t), 'auth.json');
  await writeFile(path, content);
  await chmod(path, mode);
  return new Credentials(path);
};

const AUTHS = JSON.stringify({
  auths: {
    'r.example.com': { auth: base64('ann:a:b') },
    'r.example.com/shop': { auth: base64('bob:secret') },
    'https://index.docker.io/v1/': { auth: base64('hub:secret') },
    'https://t.example.com:5000/v2/': { identitytoken: 'token' },
  },
});

test('returns the credentials of the longest path', async (t) => {
  const credentials = await withFile(t, AUTHS);
  const serveraddress = 'r.example.com';
  t.deepEqual(await credentials.of('r.example.com/web'), { username: 'ann', password: 'a:b', serveraddress });
  t.like(await credentials.of('r.example.com/shop/web'), { username: 'bob', serveraddress });
  t.like(await credentials.of('docker.io/library/busybox'), { username: 'hub' });
  t.like(await credentials.of('t.example.com:5000/x'), { identitytoken: 'token' });
  t.is(await credentials.of('other.example.com/r.example.com'), undefined);
});

test('says that a credential helper keeps the password: docker login leaves an empty entry then', async (t) => {
  const credentials = await withFile(t, '{"auths": {"r.example.com": {}}, "credsStore": "pass"}');
  await t.throwsAsync(credentials.of('r.example.com/web'), {
    message: /no password for r\.example\.com: .*podman login --authfile/,
  });
  t.is(await credentials.of('other.example.com/web'), undefined);
});

test('has no credentials without a file', async (t) => {
  t.is(await new Credentials(join(await tempDir(t), 'none')).of('r.example.com/web'), undefined);
});

test('rejects a file that others can read, and one of another form, without quoting it', async (t) => {
  const open = await withFile(t, AUTHS, 0o644);
  await t.throwsAsync(open.of('r.example.com/web'), { message: /can be read by others: chmod 600/ });
  for (const content of ['hunter2-hunter2', '{"auths": {"a": {"auth": "hunter2-hunter2!"}}}', '[]']) {
    const error = await t.throwsAsync((await withFile(t, content)).of('a/b'));
    t.false(error.message.includes('hunter2'), error.message);
  }
});
