import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { MistifyClient } from '../../../lib/client/index.js';
import type { ConfigFile } from '../../../lib/config/schema.js';
import { packageRoot } from '../../../lib/files/package-root.js';
import { builtProgram } from '../../helpers/built-program.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { listProcesses, type Process, signal } from './processes.js';

/** A directory of every Debian; in this mount namespace it is empty, and in memory. */
const ROOT = '/mnt';
const STATE_MB = 256;
export const BRIDGE = 'chaos0';
export const IMAGE = 'base';
const IMAGE_BYTES = 2 ** 20;
/** Any port is free in this network namespace. */
const PORT = 8080;
/** The shortest that the config permits. */
const HEALTH_TIMEOUT_S = 10;
/** How soon an agent that has exited by itself is started again, as a service manager does. */
const RESTART_MS = 1000;

const MISTIFY_AGENT = builtProgram('agent');
const CLOCK = join(packageRoot, 'test/crash/chaos/clock-offset.mjs');

/** Removes what a host without a container engine does not run. */
const withoutContainers = (config: ConfigFile): ConfigFile => ({
  ...config,
  services: Object.fromEntries(
    Object.entries(config.services)
      .filter(([name]) => !name.startsWith('container'))
      .map(([name, service]) => [
        name,
        service.command ? { ...service, health_timeout: HEALTH_TIMEOUT_S } : service,
      ]),
  ),
  actions: Object.fromEntries(
    Object.entries(config.actions).filter(
      ([, { stages }]) => !stages.some(({ service }) => service.startsWith('container')),
    ),
  ),
});

/** The host of a run, in namespaces of its own: the agent's program, its directories, and what a fault changes there. */
export class World {
  readonly dbpath = join(ROOT, 'db');
  readonly runDir = join(this.dbpath, 'run');
  readonly storageDir = join(this.dbpath, 'storage');
  readonly backupDir = join(this.dbpath, 'backup');
  readonly guestsDir = join(this.dbpath, 'qemu/guests');
  readonly client: MistifyClient;
  /** Counts the faults that may have ended a guest. */
  disturbances = 0;
  readonly #log: WriteStream;
  #agent: ChildProcess | undefined;
  /** Whether the agent is to run: it is started again when it exits by itself. */
  #isWanted = false;

  private constructor(logFile: string) {
    this.#log = createWriteStream(logFile);
    this.client = new MistifyClient({ url: `http://127.0.0.1:${PORT}`, timeout: 20, retries: 0 });
  }

  /** @param logFile gets the output of the agent and its sub-agents */
  static async create(logFile: string): Promise<World> {
    await execa('mount', ['-t', 'sysfs', 'sysfs', '/sys']);
    await execa('mount', ['-t', 'tmpfs', 'tmpfs', ROOT]);
    const world = new World(logFile);
    await mkdir(world.dbpath);
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${STATE_MB}m`, 'tmpfs', world.dbpath]);
    await execa('ip', ['link', 'set', 'lo', 'up']);
    await execa('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
    await execa('ip', ['link', 'set', BRIDGE, 'up']);
    await mkdir(join(ROOT, 'config'));
    const config = JSON.parse(await readFile(join(packageRoot, 'config/agent.json'), 'utf8')) as ConfigFile;
    await writeFile(
      join(ROOT, 'config/agent.json'),
      JSON.stringify({ ...withoutContainers(config), dbpath: world.dbpath }),
    );
    return world;
  }

  /** Starts the agent's program, unless it runs, and again whenever it exits by itself. */
  start(): void {
    this.#isWanted = true;
    if (this.#agent && this.#agent.exitCode === null && this.#agent.signalCode === null) return;
    const agent = spawn(
      process.execPath,
      [MISTIFY_AGENT, '-a', `127.0.0.1:${PORT}`, '-c', join(ROOT, 'config')],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          MISTIFY_HOST_DIR: join(ROOT, 'host'),
          MISTIFY_CLOCK_OFFSET: join(ROOT, 'clock'),
          NODE_OPTIONS: `--import=${CLOCK}`,
        },
      },
    );
    this.#agent = agent;
    for (const stream of [agent.stdout, agent.stderr]) stream.pipe(this.#log, { end: false });
    agent.once('exit', (code, signal) => void this.#restart(agent, code ?? signal));
  }

  async #restart(agent: ChildProcess, end: number | NodeJS.Signals | null): Promise<void> {
    if (!this.#isWanted) return;
    this.note(`the agent has exited by itself: ${end}`);
    await delay(RESTART_MS);
    // A fault may have ended or started it meanwhile.
    if (this.#isWanted && this.#agent === agent) this.start();
  }

  /** Writes a line into the log of the agent. */
  note(line: string): void {
    this.#log.write(`--- ${line}\n`);
  }

  /** Ends the agent by a signal, and waits until it has exited. */
  async end(name: NodeJS.Signals): Promise<void> {
    this.#isWanted = false;
    const agent = this.#agent;
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return;
    const exited = once(agent, 'exit');
    agent.kill(name);
    await exited;
  }

  /** Kills everything and loses what a reboot does not keep: run directories and network devices. */
  async reboot(): Promise<void> {
    this.disturbances += 1;
    this.#isWanted = false;
    for (;;) {
      const left = await listProcesses();
      if (left.length === 0) break;
      for (const { pid } of left) signal(pid, 'SIGKILL');
      await delay(20);
    }
    for (const name of await readdir(this.runDir).catch(() => []))
      await rm(join(this.runDir, name), { recursive: true, force: true });
    for (const tap of await this.taps()) await execa('ip', ['link', 'delete', 'dev', tap]);
    // An action may have begun since the first count, and ended before its guest was killed.
    this.disturbances += 1;
  }

  /** Lists the taps of guests. */
  async taps(): Promise<string[]> {
    return (await readdir('/sys/class/net')).filter((name) => /^mt[0-9a-f]{10}-\d+$/.test(name));
  }

  /** Leaves no room on the disk of the state, the images and the disks. */
  async fillDisk(): Promise<void> {
    const { bavail, bsize } = await statfs(this.dbpath);
    await writeFile(join(this.dbpath, 'ballast'), Buffer.alloc(bavail * bsize)).catch(() => {});
  }

  freeDisk(): Promise<void> {
    return rm(join(this.dbpath, 'ballast'), { force: true });
  }

  async setClock(offsetMs: number): Promise<void> {
    await writeFile(join(ROOT, 'clock'), String(offsetMs));
  }

  /** Undoes the faults that last: continues stopped processes, makes room, and starts the agent. */
  async heal(): Promise<void> {
    await this.freeDisk();
    for (const { pid, state } of await listProcesses()) if (state === 'T') signal(pid, 'SIGCONT');
    this.start();
  }

  async isReady(): Promise<boolean> {
    return this.client.requireReady().then(
      () => true,
      () => false,
    );
  }

  async processes(kind: Process['kind']): Promise<Process[]> {
    const wanted: Process['kind'][] = ['qemu', 'storage', 'backup'].includes(kind)
      ? [kind, 'sub-agents']
      : [kind];
    return (await listProcesses()).filter((process) => wanted.includes(process.kind));
  }

  /** Fetches the image that guests' first disks are made from. */
  async fetchImage(): Promise<void> {
    const path = join(this.storageDir, 'import', 'base.raw');
    await writeFile(path, asDisk(Buffer.alloc(IMAGE_BYTES)));
    const { jobId } = await this.client.images.fetch({ id: IMAGE, source: `file://${path}` });
    await this.client.waitForJob(jobId);
  }
}
