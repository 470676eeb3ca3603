// Makes a fresh machine ready to build, run and test the project. It runs before there is a node_modules,
// so it uses nothing but Node. When there is nothing to do it is quick and says nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The browser's half has a configuration of its own, which names the other one as what it builds upon. */
export const CONSOLE = 'lib/web/console';
const SOURCE_DIRECTORIES = ['handlers', 'lib', 'routes', 'scripts', 'test'];

/** What real guests need, as Debian and Ubuntu name it: QEMU, disks and seeds, bridges, the demo's image, Podman. */
const REAL_PARTS = [
  'qemu-system-x86',
  'qemu-utils',
  'libnbd-bin',
  'zstd',
  'xz-utils',
  'iproute2',
  'busybox-static',
  'cpio',
  'syslinux',
  'syslinux-common',
  'mtools',
  'fdisk',
  'dosfstools',
  'iptables',
  'podman',
  'runc',
  'netavark',
  'aardvark-dns',
  'openvswitch-switch',
  'ethtool',
  'genisoimage',
  'openssl',
  // The kernel's own ZFS, where it is there, is the better one, and the two are not installed side by side.
  ...(existsSync('/dev/zfs') || existsSync('/usr/sbin/zpool') ? [] : ['zfs-fuse']),
];

/** What tests need beside them: a browser for the web console, the agent that guests have. */
const TEST_PARTS = ['chromium', 'qemu-guest-agent'];

const say = (text) => process.stderr.write(`${text}\n`);

const giveUp = (text) => {
  say(text);
  process.exit(1);
};

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
};

const tail = (text, lines) => text.trimEnd().split('\n').slice(-lines).join('\n');

/** Runs a program to its end. Its output is kept, to be shown only when it fails. */
const run = (program, args, env = {}) => {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { ok: status === 0, missing: error?.code === 'ENOENT', stdout, output: `${stdout}${stderr}` };
};

const checkNode = () => {
  const wanted = readJson('package.json').engines.node;
  const parts = (version) => version.match(/\d+/g).map(Number);
  const [major, minor] = parts(process.versions.node);
  const [wantedMajor, wantedMinor] = parts(wanted);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  giveUp(`This needs Node.js ${wanted}; here is ${process.versions.node}`);
};

/** Whether what npm noted of its last install is what package-lock.json asks for. */
const modulesAreCurrent = () => {
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  if (!installed) return false;
  const wanted = Object.entries(readJson('package-lock.json').packages);
  return wanted.every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  );
};

const installModules = () => {
  if (modulesAreCurrent()) return;
  say('Installing the npm packages, which takes about a minute …');
  const { ok, output } = run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund']);
  if (!ok) giveUp(`${tail(output, 30)}\n\nnpm ci failed: see above.`);
};

const missingDebianPackages = (wanted) => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax
  const query = run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted]);
  if (query.missing) return undefined;
  const lines = query.stdout.split('\n');
  return wanted.filter((name) => !lines.includes(`${name} installed`));
};

const aptInstall = (packages) => {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-o', 'DPkg::Lock::Timeout=120'];
  // A failed update does not matter when the lists at hand are recent enough.
  const update = run('apt-get', [...wait, '-q', 'update'], env);
  const install = run(
    'apt-get',
    [...wait, '-q', '-y', 'install', '--no-install-recommends', ...packages],
    env,
  );
  return { ok: install.ok, output: `${update.ok ? '' : update.output}${install.output}` };
};

/** @param program one that is there when they are, where it is not Debian that could tell */
const installDebianPackages = (wanted, program) => {
  const missing = missingDebianPackages(wanted);
  if (missing === undefined) {
    if (run(program, ['--version']).missing)
      say(`${program} is missing. Please install what Debian packages as ${wanted.join(' ')}.`);
    return;
  }
  if (missing.length === 0) return;
  const command = `sudo apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid() !== 0) {
    say(`Some Debian packages are missing; going on without them. To install them:\n\n  ${command}\n`);
    return;
  }
  say(`Installing Debian packages: ${missing.join(' ')} …`);
  const { ok, output } = aptInstall(missing);
  if (!ok) say(`${tail(output, 10)}\n\nThat failed; going on without them. To try again:\n\n  ${command}\n`);
};

const filesUnder = (directory, extension) => {
  try {
    return readdirSync(join(ROOT, directory), { recursive: true })
      .filter((name) => name.endsWith(extension))
      .map((name) => join(directory, name));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
};

/** Removes from dist what has no source any more: a deleted test must not run on. */
const removeStaleOutput = () => {
  const sources = new Set(
    SOURCE_DIRECTORIES.flatMap((directory) => filesUnder(directory, '.ts'))
      .filter((path) => !path.endsWith('.d.ts'))
      .map((path) => path.slice(0, -3)),
  );
  const outputs = new Set(filesUnder('dist', '.js').map((path) => path.slice('dist/'.length, -3)));
  for (const path of outputs) {
    if (sources.has(path)) continue;
    for (const extension of ['.js', '.js.map', '.d.ts'])
      rmSync(join(ROOT, 'dist', path + extension), { force: true });
  }
  // The compiler's notes know nothing of files that vanished: without the notes it writes them all.
  if ([...sources].some((path) => !outputs.has(path)))
    for (const notes of ['.tsbuildinfo', '.tsbuildinfo-console'])
      rmSync(join(ROOT, 'dist', notes), { force: true });
};

const build = () => {
  removeStaleOutput();
  const { ok, output } = run(process.execPath, ['node_modules/typescript/bin/tsc', '--build', CONSOLE]);
  if (!ok) giveUp(`${output}\nThe build failed: see above.`);
};

/**
 * Makes this machine ready and builds the project; ends the process when that cannot be done.
 * @param {{ realParts: boolean, testParts?: boolean }} options whether to install what real guests need, and what tests do
 */
export const setUp = ({ realParts, testParts = false }) => {
  checkNode();
  installModules();
  if (realParts) installDebianPackages(REAL_PARTS, 'qemu-system-x86_64');
  if (testParts) installDebianPackages(TEST_PARTS, 'chromium');
  build();
};

const isProgram =
  process.argv[1] !== undefined && statSync(process.argv[1]).ino === statSync(new URL(import.meta.url)).ino;
if (isProgram) setUp({ realParts: true });
