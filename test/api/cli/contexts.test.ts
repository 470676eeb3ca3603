import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { serveApi } from '../../helpers/api.js';
import { environment, MISTIFY } from '../../helpers/command-line.js';

test.serial('adds agents by name, and talks to the one that is chosen', async (t) => {
  const { url, asked } = await serveApi(t);
  const env: NodeJS.ProcessEnv = { ...(await environment(t, '')), MISTIFY_URL: '' };
  const run = async (...args: string[]) => {
    const options = { env, extendEnv: false, reject: false } as const;
    const { exitCode, stdout, stderr } = await execa(process.execPath, [MISTIFY, ...args], options);
    return { exitCode, stdout, stderr };
  };
  t.is(
    (await run('context', 'add', 'lab', '--url', url, '--token', 'secret')).stdout,
    'context lab: added, and current',
  );
  await run('context', 'add', 'off', '--url', 'http://127.0.0.1:1');
  const { stdout } = await run('context', 'list');
  t.regex(stdout, /^CURRENT {2}NAME {2}ADDRESS .*\n\* {8}lab {3}http:\S+ +token\n {9}off {3}\S+ +none$/);
  t.false((await run('context', 'show', 'lab', '--json')).stdout.includes('secret'));
  t.like(await run('guest', 'list', '--json'), { exitCode: 0, stdout: '[]' });
  t.is(asked.length, 1);
  t.is((await run('--context', 'off', 'guest', 'list')).exitCode, 4);
  t.like(await run('--context', 'none', 'guest', 'list'), {
    exitCode: 3,
    stderr: 'error: no context "none"\nChoose from lab, off.',
  });
  await run('context', 'use', 'off');
  t.is((await run('guest', 'list')).exitCode, 4);
  await run('context', 'remove', 'off');
  const kept = JSON.parse(await readFile(join(env.HOME ?? '', '.config/mistify/contexts.json'), 'utf8'));
  t.deepEqual(kept, { contexts: { lab: { url, token: 'secret' } } });
});
