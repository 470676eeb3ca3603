import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { ExecaError, execa } from 'execa';
import tar from 'tar-stream';
import type { Guest } from '../../lib/model/guest.js';
import type { Image } from '../../lib/model/image.js';
import { Engine } from '../../lib/subagents/container/engine.js';
import type { PolicyOptions } from '../../lib/subagents/container/policy.js';
import { startContainerSubAgent } from '../../lib/subagents/container/service.js';
import { LOOPBACK } from './loopback.js';
import { needs, needsInTurn } from './needs.js';
import { callMethod, silentLog } from './sub-agents.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

/** Registers tests that need a real Podman. */
export const needsPodman = needs('podman', 'runc', 'busybox', 'root');

/** As `needsPodman`, one test at a time: Podman's listing can fail while another process adds or removes an image. */
export const needsPodmanInTurn = needsInTurn('podman', 'runc', 'busybox', 'root');

export const IMAGE = 'localhost/bb:1';

/** Its limits also work in virtual machines without CAP_SYS_RESOURCE. */
const CONTAINERS_CONF = `
[containers]
default_ulimits=["nofile=1024:1024","nproc=4096:4096"]
log_driver="k8s-file"
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
runtime="runc"
[network]
network_backend="netavark"
`;

const APPLETS = ['cat', 'echo', 'env', 'httpd', 'ip', 'ping', 'sh', 'sleep', 'true'];

/** How podman fails, and changes nothing, when something else is removed while it looks for a container or an image. */
const VANISHED = /does not exist in database|(image|layer|size is) not known/;
const ATTEMPTS = 5;

/** Creates a tar archive of a root file system with one static busybox. */
export const busyboxRootfs = async (): Promise<Buffer> => {
  const pack = tar.pack();
  pack.entry({ name: 'bin', type: 'directory' });
  pack.entry({ name: 'bin/busybox', mode: 0o755 }, await readFile('/bin/busybox'));
  for (const name of APPLETS) pack.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
  for (const name of ['dev', 'etc', 'proc', 'sys', 'tmp']) pack.entry({ name, type: 'directory' });
  pack.finalize();
  return buffer(pack);
};

/** The programs of the host alone. npm adds those of modules, and one is called `nft`, which netavark wants to run. */
const systemPath = (): string =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((directory) => !directory.includes('node_modules'))
    .join(delimiter);

/** A Podman apart from the host's: with its own storage, containers and socket. */
export class TestPodman {
  readonly dir: string;
  readonly socket: string;
  readonly #env: Record<string, string>;
  #service: ChildProcess | undefined;

  private constructor(dir: string) {
    this.dir = dir;
    this.socket = join(dir, 'podman.sock');
    this.#env = { CONTAINERS_CONF: join(dir, 'containers.conf'), PATH: systemPath() };
  }

  /** Starts a Podman with the image `IMAGE`, whose command is a shell. */
  static async start(): Promise<TestPodman> {
    const podman = new TestPodman(await realpath(await mkdtemp(join(tmpdir(), 'mp-'))));
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

  /** Starts the service on the socket. */
  async serve(): Promise<void> {
    const args = [...this.#globals, 'system', 'service', '--time=0', `unix://${this.socket}`];
    const service = spawn('podman', args, { stdio: 'ignore', env: { ...process.env, ...this.#env } });
    this.#service = service;
    const engine = new Engine([this.socket]);
    await until('Podman responds', () =>
      engine.connect().then(
        () => true,
        () => service.exitCode !== null,
      ),
    );
  }

  /** Stops the service. The containers keep running. */
  async stopService(): Promise<void> {
    const service = this.#service;
    if (!service || service.exitCode !== null) return;
    const exited = once(service, 'exit');
    service.kill('SIGTERM');
    await exited;
    await rm(this.socket, { force: true });
  }

  /** Lists its processes with their command lines. */
  async #processes(): Promise<{ pid: number; command: string }[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const found = pids.map(async (pid) => ({
      pid: Number(pid),
      command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    }));
    return (await Promise.all(found)).filter(({ command }) => command.includes(`${this.dir}/`));
  }

  /** Kills the monitors of exited shells, which Podman keeps for minutes. */
  async #killMonitors(): Promise<void> {
    for (const { pid, command } of await this.#processes())
      if (command.includes('--exec-process-spec')) process.kill(pid, 'SIGKILL');
  }

  /** Stops everything, containers and mounts included. */
  async stop(): Promise<void> {
    await this.stopService();
    await this.run('rm', '--all', '--force', '--time', '0');
    await this.run('network', 'prune', '--force');
    await this.#killMonitors();
    // A container's late cleanup would create the directories again.
    await until("Podman's processes are gone", async () => (await this.#processes()).length === 0, 30_000);
    const mounts = await readFile('/proc/self/mounts', 'utf8');
    const own = mounts.split('\n').flatMap((line) => line.split(' ')[1] ?? []);
    for (const path of own.filter((mount) => mount.startsWith(`${this.dir}/`)).reverse())
      await execa('umount', [path]);
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** All fields that a result of `MDocker` may have. */
interface ContainerResult {
  guest: Guest;
  images: Image[];
  containers: { Id: string; Name: string }[];
  cpu: unknown[];
  disk: Record<string, unknown>;
  nic: Record<string, { rx_packets: number; tx_packets: number; rx_bytes: number }>;
  revision: number;
  message?: string;
}

/** A container sub-agent on a free port. */
export interface TestContainers {
  port: number;
  /** Its state directory. */
  dir: string;
  importDir: string;
  /**
   * Calls `MDocker.<method>`.
   * @throws the error of the response
   */
  call: (method: string, request: unknown) => Promise<ContainerResult>;
  /** Calls `MDocker.<method>` with a request about a guest. */
  guest: (method: string, guest: Partial<Guest>, args?: Record<string, string>) => Promise<ContainerResult>;
  close: () => Promise<void>;
}

const startSubAgent = async (
  socket: string,
  dir: string,
  policy: PolicyOptions = {},
): Promise<TestContainers> => {
  const importDir = join(dir, 'import');
  await mkdir(importDir, { recursive: true });
  const running = await startContainerSubAgent(
    {
      ...policy,
      dir,
      hostDir: join(dir, 'host'),
      engine: [socket],
      importDir: [importDir],
      privateAddress: LOOPBACK,
    },
    silentLog,
  );
  const { port } = await running.subAgent.listen({ port: 0 });
  const call = async (method: string, request: unknown): Promise<ContainerResult> => {
    const { status, result, error } = await callMethod(port, `MDocker.${method}`, request);
    if (status !== 200 || error) throw new Error(error ?? `status ${status}`);
    return result as unknown as ContainerResult;
  };
  const guest: TestContainers['guest'] = (method, about, args) =>
    call(method, { guest: about, action: '', ...(args ? { args } : {}) });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= running.subAgent.close().then(() => running.close?.());
    return closed;
  };
  return { port, dir, importDir, call, guest, close };
};

/**
 * Starts a container sub-agent for the engine at `socket`; stops it when the test ends.
 * @param dir its state directory; a new one by default
 */
export const startTestContainers = async (
  t: ExecutionContext,
  socket: string,
  { dir, ...policy }: PolicyOptions & { dir?: string } = {},
): Promise<TestContainers> => {
  const containers = await startSubAgent(socket, dir ?? (await tempDir(t)), policy);
  t.teardown(containers.close);
  return containers;
};

/** A Podman with a sub-agent, shared by all tests of a file and started on first use. */
export class SharedPodman {
  #podman: Promise<TestPodman> | undefined;
  #containers: ReturnType<typeof startSubAgent> | undefined;

  podman(): Promise<TestPodman> {
    this.#podman ??= TestPodman.start();
    return this.#podman;
  }

  containers(): Promise<TestContainers> {
    this.#containers ??= this.podman().then(({ socket, dir }) => startSubAgent(socket, join(dir, 'agent')));
    return this.#containers;
  }

  async stop(): Promise<void> {
    await (await this.#containers)?.close();
    await (await this.#podman)?.stop();
  }
}

/** Returns a small guest that runs until it is killed. */
export const newGuest = (more: Partial<Guest> = {}): Guest => ({
  id: randomUUID(),
  type: 'container',
  image: IMAGE,
  memory: 32,
  metadata: { command: 'sleep 600' },
  ...more,
});

/** Returns the first three bytes of a random /24 network from the range for benchmarks: RFC 2544. */
export const newSubnet = (): string => `198.${18 + randomInt(2)}.${randomInt(256)}`;
