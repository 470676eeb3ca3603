// Prepares a fresh machine to build, run and test the project. It runs before node_modules exists, so it uses nothing
// but Node. With nothing to do, it is quick and silent.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The TypeScript project of the web console. It references the project of the agent, so building it builds both. */
export const CONSOLE = 'lib/web/console';
const SOURCE_DIRECTORIES = ['handlers', 'lib', 'routes', 'scripts', 'test'];

/** Debian packages for real guests: QEMU, disks and seeds, bridges, the demo's image, Podman. */
const GUEST_PACKAGES = [
  'qemu-system-x86',
  'qemu-utils',
  'ovmf',
  'swtpm',
  'libnbd-bin',
  'restic',
  'bzip2',
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
  'e2fsprogs',
  'iptables',
  'podman',
  'runc',
  'netavark',
  'aardvark-dns',
  'tini',
  'nftables',
  'python3-minimal',
  'openvswitch-switch',
  'ethtool',
  'genisoimage',
  'openssl',
  // OpenZFS in the kernel is the better choice, and Debian does not install both.
  ...(existsSync('/dev/zfs') || existsSync('/usr/sbin/zpool') ? [] : ['zfs-fuse']),
];

/** Debian packages for tests: a browser for the web console, an SFTP server, QEMU's guest agent, systemd's units, a registry of images, etcd. */
const TEST_PACKAGES = [
  'chromium',
  'curl',
  'openssh-sftp-server',
  'qemu-guest-agent',
  'procps',
  'systemd',
  'docker-registry',
  'etcd-server',
];

/** Debian packages to test on other systems, and on Docker. */
const SYSTEM_PACKAGES = ['debootstrap', 'docker.io'];

const say = (text) => process.stderr.write(`${text}\n`);

const fail = (text) => {
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

/** Runs a program until it exits, and captures its output. */
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
  fail(`Mistify Agent needs Node.js ${wanted}, this is ${process.versions.node}.`);
};

/** Compares npm's record of its last install with package-lock.json. */
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
  say('Installing npm packages, which takes about a minute …');
  const { ok, output } = run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund']);
  if (!ok) fail(`${tail(output, 30)}\n\nnpm ci failed. Its last lines are above.`);
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
  // When the update fails, the present lists may still be recent enough.
  const update = run('apt-get', [...wait, '-q', 'update'], env);
  const install = run(
    'apt-get',
    [...wait, '-q', '-y', 'install', '--no-install-recommends', ...packages],
    env,
  );
  return { ok: install.ok, output: `${update.ok ? '' : update.output}${install.output}` };
};

/** @param program a program of the packages, which stands for all of them where dpkg is missing */
const installDebianPackages = (wanted, program) => {
  const missing = missingDebianPackages(wanted);
  if (missing === undefined) {
    if (run(program, ['--version']).missing)
      say(`${program} is missing. Install what Debian calls ${wanted.join(' ')}.`);
    return;
  }
  if (missing.length === 0) return;
  const command = `sudo apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid() !== 0) {
    say(`Some Debian packages are missing, continuing without them. To install them:\n\n  ${command}\n`);
    return;
  }
  say(`Installing Debian packages: ${missing.join(' ')} …`);
  const { ok, output } = aptInstall(missing);
  if (!ok)
    say(
      `${tail(output, 10)}\n\napt-get failed, continuing without these packages. To try again:\n\n  ${command}\n`,
    );
};

/** Debian packages for the test of a real installer's CD. Each release has an installer of its own. */
const installerPackages = () => {
  const system = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const [, release] = /^ID=debian$/m.test(system) ? (/^VERSION_ID="(\d+)"$/m.exec(system) ?? []) : [];
  return release ? [`debian-installer-${release}-netboot-amd64`, 'isolinux'] : [];
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

/** Removes compiled files whose source was deleted: ava would still run a deleted test. */
const removeStaleOutput = () => {
  const sources = new Set(
    SOURCE_DIRECTORIES.flatMap((directory) => filesUnder(directory, '.ts'))
      .filter((path) => !path.endsWith('.d.ts'))
      .map((path) => path.slice(0, -3)),
  );
  const outputs = new Set(
    filesUnder('dist', '.js')
      .map((path) => path.slice('dist/'.length, -3))
      .filter((path) => !path.startsWith('programs/')),
  );
  for (const path of outputs) {
    if (sources.has(path)) continue;
    for (const extension of ['.js', '.js.map', '.d.ts'])
      rmSync(join(ROOT, 'dist', path + extension), { force: true });
  }
  // tsc does not notice that compiled files are missing. Without its build info it writes them all.
  if ([...sources].some((path) => !outputs.has(path)))
    for (const buildInfo of ['.tsbuildinfo', '.tsbuildinfo-console'])
      rmSync(join(ROOT, 'dist', buildInfo), { force: true });
};

const build = () => {
  removeStaleOutput();
  for (const args of [['node_modules/typescript/bin/tsc', '--build', CONSOLE], ['scripts/bundle.mjs']]) {
    const { ok, output } = run(process.execPath, args);
    if (!ok) fail(`${output}\nThe build failed. The errors are above.`);
  }
};

/**
 * Prepares this machine and builds the project. On failure it prints why and exits with code 1.
 * @param {{ guestPackages: boolean, testPackages?: boolean, systemPackages?: boolean }} options which Debian packages
 * to install
 */
export const setUp = ({ guestPackages, testPackages = false, systemPackages = false }) => {
  checkNode();
  installModules();
  if (guestPackages) installDebianPackages(GUEST_PACKAGES, 'qemu-system-x86_64');
  if (testPackages) installDebianPackages(TEST_PACKAGES, 'chromium');
  if (systemPackages) installDebianPackages([...SYSTEM_PACKAGES, ...installerPackages()], 'debootstrap');
  build();
};

const isProgram =
  process.argv[1] !== undefined && statSync(process.argv[1]).ino === statSync(new URL(import.meta.url)).ino;
if (isProgram) {
  const has = (option) => process.argv.includes(option);
  setUp({ guestPackages: true, testPackages: has('--tests'), systemPackages: has('--systems') });
}
