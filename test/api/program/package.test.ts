import { access, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../../lib/package-root.js';
import { tempDir } from '../../helpers/temp.js';

/** The package as npm makes it of what is built, unpacked where its dependencies are found. */
const unpacked = async (t: ExecutionContext): Promise<string> => {
  const dir = await tempDir(t);
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', dir];
  const { stdout } = await execa('npm', pack, { cwd: packageRoot });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await execa('tar', ['-xzf', filename], { cwd: dir });
  await symlink(join(packageRoot, 'node_modules'), join(dir, 'node_modules'));
  return join(dir, 'package');
};

test('what npm packs has all that its programs, its client and its default config need', async (t) => {
  const root = await unpacked(t);
  const run = async (...args: string[]): Promise<string> =>
    (await execa(process.execPath, args, { cwd: root })).stdout;
  t.regex(await run('dist/lib/cli/main.js', 'guest', 'create', '--help'), /--memory/);
  t.regex(await run('dist/routes/mistify-agent.js', '--help'), /--config-file/);
  const script = "import { MistifyClient } from 'mistify-agent/client'; console.log(typeof MistifyClient)";
  t.is(await run('--input-type=module', '-e', script), 'function');
  const load = "import { loadConfig } from './dist/lib/config/load.js';";
  const config = `${load} console.log((await loadConfig(['config/agent.json'])).actions.size)`;
  t.true(Number(await run('--input-type=module', '-e', config)) > 20);
  for (const part of ['lib/web/console/index.html', 'dist/lib/web/console/main.js'])
    await t.notThrowsAsync(access(join(root, part)));
});
