import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExecaError, execa } from 'execa';
import { listPids } from '../../../lib/process/list-pids.js';
import { Engine } from '../../../lib/subagents/container/engine.js';
import { isAlive } from '../program.js';
import { until } from '../wait.js';
import { busyboxRootfs, IMAGE } from './busybox.js';
import {
  type ArchiveFormat,
  type EngineTraits,
  type NetworkOptions,
  onFreeSubnet,
  systemPath,
  type TestEngine,
  unmountBelow,
} from './engine.js';

/** How long the containers that Podman knows may take to end. */
const CLEANUP_MS = 15_000;

/** Its limits also work in virtual machines without CAP_SYS_RESOURCE. */
const CONTAINERS_CONF = `
[containers]
default_ulimits=["nofile=1024:1024","nproc=4096:4096"]
log_driver="k8s-file"
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
runtime="runc"
init_path="/usr/bin/tini-static"
[network]
network_backend="netavark"
`;

/** How podman fails, and changes nothing, when something else is removed while it looks for a container or an image. */
const VANISHED = /does not exist in database|(image|layer|size is) not known/;
const ATTEMPTS = 5;

const traitsOf = ([major = 0, minor = 0]: readonly number[]): EngineTraits => ({
  addressOnDefaultNetwork: true,
  macOfEachNic: true,
  keepsOrder: true,
  // With cgroup v1, Podman does not find the file by which conmon 2.1.6 says so.
  tellsOutOfMemory: existsSync('/sys/fs/cgroup/cgroup.controllers'),
  changesLimits: major > 5 || (major === 5 && minor >= 4),
  takesCdi: false,
  listedName: (complete) => complete,
});

const versionOfPodman = async (): Promise<number[]> => {
  const { stdout } = await execa('podman', ['--version']);
  return (/version ([\d.]+)/.exec(stdout)?.[1] ?? '').split('.').map(Number);
};

/** A Podman apart from the host's. */
export class TestPodman implements TestEngine {
  readonly kind = 'podman';
  readonly traits: EngineTraits;
  readonly dir: string;
  readonly socket: string;
  readonly #env: Record<string, string>;
  #service: ChildProcess | undefined;

  private constructor(dir: string, version: readonly number[]) {
    this.traits = traitsOf(version);
    this.dir = dir;
    this.socket = join(dir, 'podman.sock');
    this.#env = { CONTAINERS_CONF: join(dir, 'containers.conf'), PATH: systemPath() };
  }

  /** Starts a Podman with the image `IMAGE`. */
  static async start(): Promise<TestPodman> {
    const podman = new TestPodman(
      await realpath(await mkdtemp(join(tmpdir(), 'mp-'))),
      await versionOfPodman(),
    );
    await writeFile(join(podman.dir, 'containers.conf'), CONTAINERS_CONF);
    const rootfs = join(podman.dir, 'rootfs.tar');
    await writeFile(rootfs, await busyboxRootfs());
    await podman.run('import', '--quiet', '--change', 'CMD ["sh"]', rootfs, IMAGE);
    await podman.serve();
    return podman;
  }

  get #globals(): string[] {
    const at = (name: string): string => join(this.dir, name);
    return [
      ...['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp')],
      ...['--network-config-dir', at('networks'), '--storage-driver', 'vfs'],
    ];
  }

  /** Runs the podman program, and again when another test's removal made it fail. */
  async run(...args: string[]): Promise<string> {
    for (let attempt = 1; ; attempt += 1)
      try {
        const { stdout } = await execa('podman', [...this.#globals, ...args], { env: this.#env });
        return stdout;
      } catch (error) {
        if (attempt === ATTEMPTS || !(error instanceof ExecaError) || !VANISHED.test(error.message))
          throw error;
      }
  }

  async save(path: string, format: ArchiveFormat, ...names: string[]): Promise<void> {
    const multiple = names.length > 1 ? ['--multi-image-archive'] : [];
    await this.run('save', '--quiet', ...multiple, '--format', format, '--output', path, ...names);
  }

  async createNetwork(name: string, { names = false }: NetworkOptions = {}): Promise<string> {
    return onFreeSubnet(async (subnet) => {
      await this.run('network', 'create', ...(names ? [] : ['--disable-dns']), '--subnet', subnet, name);
    });
  }

  async serve(): Promise<void> {
    const args = [...this.#globals, 'system', 'service', '--time=0', `unix://${this.socket}`];
    // conmon 2.1.6 puts the file "oom" into the directory that the service was started in, where Podman does not look.
    const service = spawn('podman', args, {
      ...{ stdio: 'ignore', cwd: this.dir },
      env: { ...process.env, ...this.#env },
    });
    this.#service = service;
    const engine = new Engine([this.socket]);
    await until('Podman responds', () =>
      engine.connect().then(
        () => true,
        () => service.exitCode !== null,
      ),
    );
  }

  async stopService(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const service = this.#service;
    if (!service || service.exitCode !== null || service.signalCode !== null) return;
    const exited = once(service, 'exit');
    service.kill(signal);
    await exited;
    await rm(this.socket, { force: true });
  }

  /** Lists its processes with their command lines. */
  async #processes(): Promise<{ pid: number; command: string }[]> {
    const pids = await listPids();
    const found = pids.map(async (pid) => ({
      pid: Number(pid),
      command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    }));
    return (await Promise.all(found)).filter(({ command }) => command.includes(`${this.dir}/`));
  }

  /**
   * Kills the monitors of programs that have ended, which Podman keeps for minutes.
   * @param all kills those of containers, too, with what they run: a service that was killed may not have stored them
   * @returns whether no process is left
   */
  async #killMonitors(all: boolean): Promise<boolean> {
    const processes = await this.#processes();
    for (const { pid, command } of processes) {
      if (!all && !command.includes('--exec-process-spec')) continue;
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
      for (const each of [...children.split(' ').filter(Boolean).map(Number), pid])
        if (isAlive(each)) process.kill(each, 'SIGKILL');
    }
    return processes.length === 0;
  }

  async stop(): Promise<void> {
    await this.stopService();
    await this.run('rm', '--all', '--force', '--time', '0');
    await this.run('network', 'prune', '--force');
    // A container's late cleanup would create the directories again.
    const orphansSince = performance.now() + CLEANUP_MS;
    const areGone = (): Promise<boolean> => this.#killMonitors(performance.now() > orphansSince);
    await until("Podman's processes are gone", areGone, 60_000);
    await unmountBelow(this.dir);
    await rm(this.dir, { recursive: true, force: true });
  }
}
