import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import { bridgeName } from './bridge.js';

/** The parts that running Open vSwitch needs; see `needs`. */
export const OVS_PARTS = ['ovs-vsctl', 'ovs-vswitchd', 'ovsdb-server', 'ovsdb-tool', 'ip', 'root'];

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
/** The userspace datapath's device has a fixed name, so a network namespace has room for only one. */
const DATAPATH_DEVICE = 'ovs-netdev';
/** An abstract unix socket: it belongs to the network namespace too, and disappears with its process. */
const LOCK = '\0mistify-test-ovs';
const LOCK_TIMEOUT_MS = 240_000;

/** Waits until no other test process runs an Open vSwitch. */
const lock = async (): Promise<Server> => {
  const giveUpAt = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    const server = createServer();
    try {
      server.listen(LOCK);
      await once(server, 'listening');
      return server;
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await delay(100);
    }
  }
};

const waitForExit = async (pid: number): Promise<void> => {
  try {
    for (;;) {
      process.kill(pid, 0);
      await delay(20);
    }
  } catch {
    // The process is gone.
  }
};

/** A private Open vSwitch whose bridges need no kernel module. It does not touch the system's. */
export class Ovs {
  static #shared: Promise<Ovs> | undefined;
  static #users = 0;

  /** The database's address for `--db`. */
  readonly db: string;
  readonly #dir: string;
  readonly #lock: Server;

  private constructor(dir: string, held: Server) {
    this.#dir = dir;
    this.#lock = held;
    this.db = `unix:${join(dir, 'db.sock')}`;
  }

  /** Returns the instance that the tests of a process share; the last test to end stops it. */
  static async use(t: ExecutionContext): Promise<Ovs> {
    t.timeout(2 * LOCK_TIMEOUT_MS);
    Ovs.#users += 1;
    Ovs.#shared ??= Ovs.#start();
    const shared = Ovs.#shared;
    t.teardown(async () => {
      Ovs.#users -= 1;
      if (Ovs.#users > 0) return;
      Ovs.#shared = undefined;
      await (await shared).#stop();
    });
    return shared;
  }

  static async #start(): Promise<Ovs> {
    const held = await lock();
    if (existsSync(`/sys/class/net/${DATAPATH_DEVICE}`)) {
      held.close();
      throw new Error(`another Open vSwitch already has ${DATAPATH_DEVICE}: stop it first`);
    }
    const ovs = new Ovs(await mkdtemp(join(tmpdir(), 'movs-')), held);
    const database = join(ovs.#dir, 'conf.db');
    await ovs.#run('ovsdb-tool', 'create', database, SCHEMA);
    await ovs.#daemon('ovsdb-server', database, `--remote=punix:${join(ovs.#dir, 'db.sock')}`);
    await ovs.vsctl('--no-wait', 'init');
    await ovs.#daemon('ovs-vswitchd', ovs.db);
    return ovs;
  }

  /** Runs ovs-vsctl(8). */
  async vsctl(...args: string[]): Promise<string> {
    return this.#run('ovs-vsctl', '--timeout=10', `--db=${this.db}`, ...args);
  }

  /** Creates a bridge on the userspace datapath and removes it when the test ends. */
  async makeBridge(t: ExecutionContext): Promise<string> {
    const bridge = bridgeName();
    await this.vsctl('add-br', bridge, '--', 'set', 'Bridge', bridge, 'datapath_type=netdev');
    t.teardown(() => this.vsctl('del-br', bridge));
    return bridge;
  }

  /** Lists the names of a bridge's ports. */
  async ports(bridge: string): Promise<string[]> {
    return (await this.vsctl('list-ports', bridge)).split('\n').filter(Boolean);
  }

  /** Stops the database's process as a hang would, until `resume`. Call it from serial tests only. */
  async hang(): Promise<void> {
    await this.#signal('ovsdb-server', 'SIGSTOP');
  }

  async resume(): Promise<void> {
    await this.#signal('ovsdb-server', 'SIGCONT');
  }

  async #signal(program: string, signal: NodeJS.Signals): Promise<number> {
    const pid = Number(await readFile(join(this.#dir, `${program}.pid`), 'utf8'));
    process.kill(pid, signal);
    return pid;
  }

  async #run(program: string, ...args: string[]): Promise<string> {
    const env = { OVS_RUNDIR: this.#dir, OVS_LOGDIR: this.#dir, OVS_DBDIR: this.#dir };
    const { stdout } = await execa(program, args, { env, stdin: 'ignore' });
    return stdout;
  }

  /** Starts a daemon and returns once it serves. */
  async #daemon(program: string, ...args: string[]): Promise<void> {
    const files = { pidfile: `${program}.pid`, 'log-file': `${program}.log`, unixctl: `${program}.ctl` };
    const options = Object.entries(files).map(([option, name]) => `--${option}=${join(this.#dir, name)}`);
    await this.#run(program, ...args, ...options, '--detach', '--no-chdir');
  }

  async #stop(): Promise<void> {
    for (const program of ['ovs-vswitchd', 'ovsdb-server']) {
      await waitForExit(await this.#signal(program, 'SIGTERM'));
    }
    // The device outlives its daemon.
    await execa('ip', ['link', 'delete', DATAPATH_DEVICE], { reject: false });
    await rm(this.#dir, { recursive: true, force: true });
    this.#lock.close();
  }
}
