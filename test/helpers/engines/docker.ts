import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Engine } from '../../../lib/subagents/container/engine.js';
import { ociLayout } from '../oci-layout.js';
import { until } from '../wait.js';
import { busyboxRootfs, IMAGE } from './busybox.js';
import {
  type ArchiveFormat,
  CDI_DEVICE,
  type EngineTraits,
  newSubnet,
  onFreeSubnet,
  systemPath,
  type TestEngine,
  unmountBelow,
} from './engine.js';

const START_MS = 120_000;

/** Docker shortens the names of images that have its own registry. */
const listedName = (complete: string): string => complete.replace(/^docker\.io\/(library\/)?/, '');

/** @param version the major version of Docker */
const traitsOf = (version: number): EngineTraits => ({
  addressOnDefaultNetwork: false,
  macOfEachNic: version >= 25,
  keepsOrder: version >= 28,
  tellsOutOfMemory: true,
  changesLimits: true,
  takesCdi: version >= 25,
  listedName,
});

const [kind, name] = CDI_DEVICE.split('=');

/** The file that describes `CDI_DEVICE`, in the format of https://github.com/cncf-tags/container-device-interface. */
const CDI_FILE = {
  cdiVersion: '0.5.0',
  kind,
  devices: [{ name, containerEdits: { deviceNodes: [{ path: '/dev/cdi-zero', hostPath: '/dev/zero' }] } }],
};

const versionOfDockerd = async (): Promise<number> => {
  const { stdout } = await execa('dockerd', ['--version']);
  return Number(/version (\d+)/.exec(stdout)?.[1]);
};

/** A Docker apart from the host's: it changes neither the firewall nor a bridge of another one. dockerd(8) */
export class TestDocker implements TestEngine {
  readonly kind = 'docker';
  readonly traits: EngineTraits;
  readonly dir: string;
  readonly socket: string;
  readonly #bridge = `md${randomBytes(4).toString('hex')}`;
  readonly #env: Record<string, string>;
  #service: ChildProcess | undefined;

  private constructor(dir: string, version: number) {
    this.traits = traitsOf(version);
    this.dir = dir;
    this.socket = join(dir, 'docker.sock');
    this.#env = { DOCKER_HOST: `unix://${this.socket}`, DOCKER_CONFIG: dir, PATH: systemPath() };
  }

  /** Starts a Docker with the image `IMAGE`. */
  static async start(): Promise<TestDocker> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), 'md-')));
    const docker = new TestDocker(dir, await versionOfDockerd());
    await docker.#configure();
    await execa('ip', ['link', 'add', docker.#bridge, 'type', 'bridge']);
    await execa('ip', ['address', 'add', `${newSubnet()}.1/24`, 'dev', docker.#bridge]);
    try {
      await docker.serve();
    } catch (error) {
      await docker.#remove();
      throw error;
    }
    const rootfs = join(docker.dir, 'rootfs.tar');
    await writeFile(rootfs, await busyboxRootfs());
    await docker.run('import', '--change', 'CMD ["sh"]', rootfs, IMAGE);
    return docker;
  }

  /** Docker 25 to 27 read CDI files only where they are told to: dockerd(8). */
  async #configure(): Promise<void> {
    const dir = join(this.dir, 'cdi');
    await mkdir(dir);
    await writeFile(join(dir, 'test.json'), JSON.stringify(CDI_FILE));
    const config = this.traits.takesCdi ? { features: { cdi: true }, 'cdi-spec-dirs': [dir] } : {};
    await writeFile(join(this.dir, 'daemon.json'), JSON.stringify(config));
  }

  async run(...args: string[]): Promise<string> {
    return (await execa('docker', args, { env: this.#env })).stdout;
  }

  /** Docker writes archives of its own format alone, so the other one is packed here. */
  async save(path: string, format: ArchiveFormat, ...names: string[]): Promise<void> {
    if (format === 'oci-archive') await writeFile(path, await ociLayout(await busyboxRootfs()));
    else await this.run('save', '--output', path, ...names);
  }

  async createNetwork(name: string): Promise<string> {
    return onFreeSubnet(async (subnet) => {
      await this.run('network', 'create', '--subnet', subnet, name);
    });
  }

  async serve(): Promise<void> {
    const at = (name: string): string => join(this.dir, name);
    const namespace = this.#bridge;
    const args = [
      ...['--config-file', at('daemon.json'), '--host', `unix://${this.socket}`, '--group', 'root'],
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('docker.pid')],
      ...['--containerd-namespace', namespace, '--containerd-plugins-namespace', `${namespace}p`],
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--live-restore', '--bridge', this.#bridge],
      // The proxy alone forwards published ports.
      ...['iptables', 'ip6tables', 'ip-masq', 'ip-forward'].map((name) => `--${name}=false`),
    ];
    const log = await open(at('dockerd.log'), 'a');
    const env = { ...process.env, ...this.#env };
    const service = spawn('dockerd', args, { stdio: ['ignore', log.fd, log.fd], env });
    await log.close();
    this.#service = service;
    const engine = new Engine([this.socket]);
    const responds = (): Promise<boolean> =>
      engine.connect().then(
        () => true,
        () => service.exitCode !== null,
      );
    await until('Docker responds', responds, START_MS);
    if (service.exitCode === null) return;
    const lines = (await readFile(at('dockerd.log'), 'utf8')).trim().split('\n').slice(-5).join('\n');
    throw new Error(`dockerd exited with ${service.exitCode}: ${lines}`);
  }

  async stopService(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const service = this.#service;
    if (!service || service.exitCode !== null || service.signalCode !== null) return;
    const exited = once(service, 'exit');
    service.kill(signal);
    await exited;
    await rm(this.socket, { force: true });
  }

  async stop(): Promise<void> {
    const ids = (await this.run('ps', '--all', '--quiet')).split('\n').filter((id) => id !== '');
    if (ids.length > 0) await this.run('rm', '--force', '--volumes', ...ids);
    await this.run('network', 'prune', '--force');
    await this.#remove();
  }

  async #remove(): Promise<void> {
    await this.stopService();
    await unmountBelow(this.dir);
    await execa('ip', ['link', 'delete', this.#bridge]);
    await rm(this.dir, { recursive: true, force: true });
  }
}
