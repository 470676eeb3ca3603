import { execa } from 'execa';
import type { Runner } from './run-part.js';

/** Packages whose version says most about a system. */
const PACKAGES = {
  QEMU: 'qemu-system-x86',
  Podman: 'podman',
  runc: 'runc',
  netavark: 'netavark',
  Docker: 'docker.io',
  containerd: 'containerd',
  'Open vSwitch': 'openvswitch-switch',
  libnbd: 'libnbd-bin',
  Chromium: 'chromium',
};

const inSystem = async (
  { session, prepared }: Runner,
  program: string,
  ...args: string[]
): Promise<string> => {
  const [first, ...rest] = session.command({ program, args, network: 'own', env: prepared.env });
  return (await execa(first, rest, { reject: false })).stdout.trim();
};

/** Returns the versions of the parts that the tests use, in one line. */
export const readVersions = async (runner: Runner): Promise<string> => {
  const node = await inSystem(runner, 'node', '--version');
  const npm = await inSystem(runner, 'npm', '--version');
  const versions = [`Node.js ${node.slice(1)} of the ${runner.prepared.node}`, `npm ${npm}`];
  for (const [name, debianPackage] of Object.entries(PACKAGES)) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax
    const version = await inSystem(runner, 'dpkg-query', '-W', '-f', '${Version}', debianPackage);
    versions.push(`${name} ${version.replace(/^\d+:/, '').replace(/[+~-].*$/, '') || 'none'}`);
  }
  return versions.join(', ');
};
