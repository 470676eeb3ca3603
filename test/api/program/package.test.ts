import { access, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import { packageRoot } from '../../../lib/files/package-root.js';
import { tempDir } from '../../helpers/temp.js';

/** Packs the build as npm does, unpacks it, and returns its directory. */
const unpackPackage = async (t: ExecutionContext): Promise<string> => {
  const dir = await tempDir(t);
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', dir];
  const { stdout } = await execa('npm', pack, { cwd: packageRoot });
  // npm 12 prints an object of packages by name, earlier versions print an array.
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { filename: string }>);
  await execa('tar', ['-xzf', packed?.filename ?? 'none'], { cwd: dir });
  return join(dir, 'package');
};

const linkModule = async (modules: string, name: string): Promise<void> => {
  await mkdir(dirname(join(modules, name)), { recursive: true });
  await symlink(join(packageRoot, 'node_modules', name), join(modules, name));
};

/** Makes a project whose modules are the package and what npm installs with it, and nothing else. */
const projectWith = async (t: ExecutionContext, root: string): Promise<string> => {
  const project = await tempDir(t);
  const modules = join(project, 'node_modules');
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), '@types/node']) await linkModule(modules, name);
  await rename(root, join(modules, 'mistify-agent'));
  await writeFile(join(project, 'package.json'), '{"type": "module"}');
  return project;
};

test('the npm package has everything that its programs, client and configs need', async (t) => {
  const root = await unpackPackage(t);
  await symlink(join(packageRoot, 'node_modules'), join(root, '../node_modules'));
  const run = async (...args: string[]): Promise<string> =>
    (await execa(process.execPath, args, { cwd: root })).stdout;
  t.regex(await run('dist/lib/cli/main.js', 'guest', 'create', '--help'), /--memory/);
  t.regex(await run('dist/programs/agent/main.js', '--help'), /--config-file/);
  const script = "import { MistifyClient } from 'mistify-agent/client'; console.log(typeof MistifyClient)";
  t.is(await run('--input-type=module', '-e', script), 'function');
  const load = "import { loadConfig } from './dist/lib/config/load.js';";
  const config = `${load} console.log((await loadConfig(['config/zfs.json'])).actions.size)`;
  t.true(Number(await run('--input-type=module', '-e', config)) > 20);
  for (const part of ['lib/web/console/index.html', 'dist/lib/web/console/main.js'])
    await t.notThrowsAsync(access(join(root, part)));
});

test("the example in the client's documentation compiles against the installed package", async (t) => {
  const project = await projectWith(t, await unpackPackage(t));
  const documentation = await readFile(join(packageRoot, 'docs/client.md'), 'utf8');
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(documentation) ?? [];
  t.true(example.includes('mistify-agent/client'), example);
  await writeFile(join(project, 'example.ts'), example);
  const compiler = join(packageRoot, 'node_modules/typescript/bin/tsc');
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--skipLibCheck',
    'false',
  ];
  const { all, exitCode } = await execa(process.execPath, [compiler, ...flags, 'example.ts'], {
    cwd: project,
    all: true,
    reject: false,
  });
  t.is(exitCode, 0, all);
});
