import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../lib/files/package-root.js';
import { type Cgroups, hierarchies, makeCgroups, moveToLeaves, removeCgroups } from './cgroups.js';
import { IN_NAMESPACES } from './namespaces.js';
import { NotPrepared, type System } from './system.js';

const SCRIPT = join(packageRoot, 'scripts/test-on/session.sh');
const REMOVE = { recursive: true, force: true, maxRetries: 20, retryDelay: 100 } as const;

/** Joins the cgroups of its first argument, one a line, and becomes the program of the others. */
const JOIN = 'echo "$0" | while read -r path; do echo $$ > "$path/cgroup.procs"; done; exec "$@"';

export interface SessionOptions {
  system: System;
  /** The directory of this system in the cache. */
  directory: string;
  /** The root that stays as it is. */
  base: string;
  /** Files and directories of the host, by their place in the system. */
  shared: Record<string, string>;
}

export interface Command {
  program: string;
  args: readonly string[];
  /** `host` for what needs a mirror or a registry; `own` has a loopback device and nothing else. */
  network: 'host' | 'own';
  env: Record<string, string>;
  cwd?: string;
}

const cgroupName = ({ name }: System): string => `mistify-test-on-${name}`;
const runDirectory = (directory: string): string => join(directory, 'run');

/** Removes what a run left that was killed. Call it with the system's lock. */
export const cleanUp = async ({ system, directory }: Pick<SessionOptions, 'system' | 'directory'>) => {
  await removeCgroups(cgroupName(system));
  await rm(runDirectory(directory), REMOVE);
};

/** A system with mounts, processes, cgroups and a network of its own, over a root that it does not change. */
export class Session {
  readonly #options: SessionOptions;
  readonly #cgroups: Cgroups;
  readonly #outer: ReturnType<typeof spawn>;
  readonly #pid: number;

  private constructor(
    options: SessionOptions,
    cgroups: Cgroups,
    outer: ReturnType<typeof spawn>,
    pid: number,
  ) {
    this.#options = options;
    this.#cgroups = cgroups;
    this.#outer = outer;
    this.#pid = pid;
  }

  /** @throws {NotPrepared} if this host does not allow namespaces and mounts */
  static async start(options: SessionOptions): Promise<Session> {
    const { system, directory, base, shared } = options;
    await cleanUp(options);
    await mkdir(runDirectory(directory), { recursive: true });
    const cgroups = await makeCgroups(cgroupName(system));
    const env = {
      PATH: process.env.PATH,
      BASE: base,
      RUN: runDirectory(directory),
      HOST_NAME: system.name,
      CGROUPS: (await hierarchies()).map(({ name, mount }) => `${name}:${mount}`).join('\n'),
      SHARED: Object.entries(shared)
        .map(([target, source]) => `${source} ${target}`)
        .join('\n'),
    };
    const namespaces = [...IN_NAMESPACES, '--net', '--ipc', '--uts', '--cgroup'];
    const command = ['-c', JOIN, cgroups.directories.join('\n'), ...namespaces, 'sh', SCRIPT];
    const outer = spawn('sh', command, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [first] = await Promise.race([
      once(createInterface({ input: outer.stdout }), 'line'),
      once(outer, 'exit').then(([code]) => {
        throw new NotPrepared(`cannot make namespaces and mounts for ${system.name}: exit code ${code}`);
      }),
    ]);
    const pid = Number(first);
    await moveToLeaves(cgroups, [outer.pid ?? pid, pid]);
    return new Session(options, cgroups, outer, pid);
  }

  /** Returns the words that run a command in the system, for `spawn`. */
  command({ program, args, network, env, cwd = '/root' }: Command): [string, ...string[]] {
    const namespaces = ['--mount', '--pid', '--ipc', '--uts', '--cgroup'];
    const enter = [
      'nsenter',
      '--target',
      `${this.#pid}`,
      ...namespaces,
      ...(network === 'own' ? ['--net'] : []),
    ];
    const clean = ['env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
    const inside = ['sh', '-c', 'cd "$0" && exec "$@"', cwd, program, ...args];
    return ['sh', '-c', JOIN, this.#cgroups.leaves.join('\n'), ...enter, '--', ...clean, ...inside];
  }

  /** Ends all processes of the system, and removes what they wrote. */
  async end(): Promise<void> {
    if (this.#outer.exitCode === null && this.#outer.signalCode === null) {
      const exited = once(this.#outer, 'exit');
      this.#outer.kill('SIGKILL');
      await exited;
    }
    await cleanUp(this.#options);
  }
}
