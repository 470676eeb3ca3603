/** Something that runs on a system, in a network of its own. */
export interface Part {
  name: string;
  /** The program and its arguments, run in the checkout. */
  command: readonly string[];
  /** Debian packages that the agent's own set-up does not install. Those that a system does not have are left out. */
  packages?: readonly string[];
  /** A program and its arguments that run before it, with the host's network. */
  prepare?: readonly string[];
  /** Further environment variables. */
  env?: Readonly<Record<string, string>>;
  /** Whether it gets the QEMU of another release, in `MISTIFY_OTHER_QEMU`. */
  withOtherQemu?: boolean;
}

const tests = (name: string, ...files: string[]): Part => ({
  name,
  command: ['npm', '--silent', 'test', '--', ...files.map((file) => `dist/${file}`)],
});

/** Newer systems have Docker's command line in a package of its own. */
const DOCKER = ['docker.io', 'docker-cli'];

/** The installers of Debian's releases, and a boot loader for a CD with one. */
const INSTALLER = ['12', '13', '14'].map((release) => `debian-installer-${release}-netboot-amd64`);

const PARTS: readonly Part[] = [
  { name: 'demo', command: ['sh', 'scripts/test-on/demo.sh'] },
  tests('qemu', 'test/system/qemu/**/*.test.js'),
  tests('container', 'test/system/container/**/*.test.js'),
  tests('storage', 'test/system/storage/**/*.test.js'),
  tests('backup', 'test/system/backup/**/*.test.js'),
  { ...tests('upgrade', 'test/system/upgrade/**/*.test.js'), withOtherQemu: true },
  {
    ...tests('agent', 'test/system/agent/**/*.test.js', 'test/system/*.test.js'),
    packages: [...INSTALLER, 'isolinux'],
    prepare: ['npm', 'run', 'guest-image', '--', 'generic'],
  },
  tests('fleet', 'test/system/etcd/**/*.test.js', 'test/system/fleet/**/*.test.js'),
  tests('consoles', 'test/web/**/*.test.js'),
  {
    ...tests('docker', 'test/system/container/**/*.test.js'),
    packages: DOCKER,
    env: { MISTIFY_TEST_ENGINE: 'docker' },
  },
  { name: 'docker-cli', command: ['sh', 'scripts/test-on/docker-cli.sh'], packages: DOCKER },
];

/** The names of the parts, for messages. */
export const PART_NAMES = PARTS.map(({ name }) => name);

/** A test as a part, with what the part of its folder needs. */
const partOfTest = (path: string): Part => ({
  ...PARTS.find(({ name }) => path.startsWith(`test/system/${name}/`)),
  ...tests(path, path.replace(/\.ts$/, '.js')),
});

/**
 * Returns the parts of the given names. A path of a test is a part of its own, and no name at all means all parts.
 * @throws {Error} for another name
 */
export const partsOf = (names: readonly string[]): Part[] => {
  if (names.length === 0) return [...PARTS];
  return names.map((name) => {
    if (name.startsWith('test/')) return partOfTest(name);
    const part = PARTS.find((candidate) => candidate.name === name);
    if (part === undefined)
      throw new Error(`"${name}" is neither ${PART_NAMES.join(', ')} nor the path of a test`);
    return part;
  });
};
