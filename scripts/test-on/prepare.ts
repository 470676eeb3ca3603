import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { errorMessage } from '../../lib/errors.js';
import { packageRoot } from '../../lib/files/package-root.js';
import { aptSettings, extraCertificates, npmVariables } from './host.js';
import type { Session } from './session.js';
import { LEAST_NODE, NotPrepared } from './system.js';

/** Where the copy of the checkout is in the system. */
export const CHECKOUT = '/root/mistify-agent';
const CERTIFICATES = '/etc/ssl/certs/of-the-host.pem';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Prepared {
  /** The environment of commands in the system. */
  env: Record<string, string>;
  /** `system`, or `host` where the system's is too old. */
  node: 'system' | 'host';
}

/** Where the npm of this host is. */
const npmDirectory = async (): Promise<string> => {
  const { stdout } = await execa('sh', ['-c', 'command -v npm']);
  return dirname(dirname(await realpath(stdout)));
};

/** What the system sees of the host, by its place there: the Node.js that runs this program, and its npm. */
export const hostNode = async (): Promise<Record<string, string>> => ({
  '/opt/host-node/node': await realpath(process.execPath),
  '/opt/host-node/npm': await npmDirectory(),
});

const LINK_HOST_NODE = [
  'ln -s /opt/host-node/node /usr/local/bin/node',
  'for name in npm npx; do',
  '  printf \'#!/bin/sh\\nexec node /opt/host-node/npm/bin/%s-cli.js "$@"\\n\' $name > /usr/local/bin/$name',
  '  chmod +x /usr/local/bin/$name',
  'done',
].join('\n');

/** Runs commands of the preparation, in the system and with the host's network. */
class Preparation {
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly env: Record<string, string> = {
    PATH,
    HOME: '/root',
    LANG: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
  };

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  async run(program: string, args: string[], input: string | Buffer = ''): Promise<string> {
    const [first, ...rest] = this.#session.command({ program, args, network: 'host', env: this.env });
    try {
      return (await execa(first, rest, { input, cancelSignal: this.#signal })).stdout;
    } catch (error) {
      this.#signal.throwIfAborted();
      const lines = errorMessage(error).split('\n').slice(-20).join('\n');
      throw new NotPrepared(`\`${program} ${args.join(' ')}\` failed: ${lines}`, { cause: error });
    }
  }

  write(path: string, content: string): Promise<string> {
    return this.run('sh', ['-c', 'cat > "$0"', path], content);
  }
}

const isNewEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.replace(/^\d+:/, '').split('.').map(Number);
  return major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
};

/** Installs git and Node.js: what a user has before the first of the README's commands. */
const installNode = async (preparation: Preparation): Promise<Prepared['node']> => {
  const install = ['-q', '-y', 'install', '--no-install-recommends', 'git'];
  await preparation.run('apt-get', ['-q', 'update']);
  const policy = await preparation.run('apt-cache', ['policy', 'nodejs']);
  const [, candidate = '0'] = /Candidate: (\S+)/.exec(policy) ?? [];
  if (isNewEnough(candidate)) {
    await preparation.run('apt-get', [...install, 'nodejs', 'npm']);
    return 'system';
  }
  // The host's Node.js is linked with the C++ library.
  await preparation.run('apt-get', [...install, 'libstdc++6']);
  await preparation.run('sh', ['-c', LINK_HOST_NODE]);
  await preparation.run('node', ['--version']);
  return 'host';
};

/** Copies what is committed and changes of committed files: neither a build nor installed modules. */
const copyCheckout = async (preparation: Preparation): Promise<void> => {
  const git = (...args: string[]) => execa('git', args, { cwd: packageRoot, encoding: 'buffer' });
  const changes = Buffer.from((await git('stash', 'create')).stdout)
    .toString()
    .trim();
  const archive = await git('archive', '--format=tar', changes || 'HEAD');
  await preparation.run('mkdir', ['-p', CHECKOUT]);
  await preparation.run('tar', ['-x', '-C', CHECKOUT], Buffer.from(archive.stdout));
};

/**
 * Makes a system as a user has it: Node.js, git, and a fresh checkout.
 * @throws {NotPrepared} if a download fails
 */
export const prepare = async (session: Session, mirror: string, suite: string, signal: AbortSignal) => {
  const preparation = new Preparation(session, signal);
  await preparation.write('/etc/apt/sources.list', `deb ${mirror} ${suite} main\n`);
  await preparation.write('/etc/apt/apt.conf.d/90of-the-host', await aptSettings());
  const node = await installNode(preparation);
  const certificates = await extraCertificates();
  if (certificates !== undefined) {
    await preparation.write(CERTIFICATES, certificates);
    Object.assign(preparation.env, { NODE_EXTRA_CA_CERTS: CERTIFICATES, npm_config_cafile: CERTIFICATES });
  }
  Object.assign(preparation.env, await npmVariables());
  await copyCheckout(preparation);
  const prepared: Prepared = { env: preparation.env, node };
  return prepared;
};
