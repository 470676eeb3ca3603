import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../../lib/files/package-root.js';
import { tempDir } from '../../helpers/temp.js';

const MODULE = join(packageRoot, 'scripts/users-directory.mjs');

const PRINT = `
import { enterUsersDirectory, asksForHelp } from ${JSON.stringify(MODULE)};
enterUsersDirectory();
console.log(JSON.stringify({ cwd: process.cwd(), asksForHelp: asksForHelp() }));
`;

/** Makes a package whose scripts print the directory that they work in. */
const makePackage = async (dir: string): Promise<string> => {
  const root = join(dir, 'package');
  await mkdir(root);
  const scripts = { start: 'node print.mjs', test: 'node print.mjs' };
  await writeFile(join(root, 'package.json'), JSON.stringify({ scripts }));
  await writeFile(join(root, 'print.mjs'), PRINT);
  return root;
};

const printed = async (cwd: string, args: string[]): Promise<unknown> =>
  JSON.parse((await execa('npm', args, { cwd })).stdout);

test('a script resolves relative paths from the directory that npm was run in', async (t) => {
  const dir = await tempDir(t);
  const root = await makePackage(dir);
  const run = (...args: string[]) => printed(dir, ['run', '--silent', '--prefix', root, ...args]);
  t.deepEqual(await run('start'), { cwd: dir, asksForHelp: false });
  t.deepEqual(await run('start', '--', '--help'), { cwd: dir, asksForHelp: true });
});

test('programs that npm test has started keep their directory', async (t) => {
  const dir = await tempDir(t);
  const root = await makePackage(dir);
  t.deepEqual(await printed(dir, ['run', '--silent', '--prefix', root, 'test']), {
    cwd: root,
    asksForHelp: false,
  });
});
