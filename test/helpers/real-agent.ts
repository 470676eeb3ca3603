import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';

import { MistifyClient } from '../../lib/client/index.js';
import type { ConfigFile } from '../../lib/config/schema.js';
import { packageRoot } from '../../lib/files/package-root.js';
import { builtProgram } from './built-program.js';
import { LOOPBACK } from './loopback.js';
import { freePort } from './ports.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

const START_MS = 180_000;
const PROGRAM = builtProgram('agent');

/** The agent as users run it: its own program, with the real sub-agents of a config. */
export interface RealAgent {
  client: MistifyClient;
  url: string;
  dbpath: string;
  /** Returns its standard output and standard error so far. */
  output(): string;
  /** Ends the program by a signal and waits until it has exited. Its guests keep running. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Restarts the program with the same state and port. */
  start(): Promise<void>;
  /** Kills the program and all guests, removes what they had on the host while they ran, and boots the host. */
  loseHost(): Promise<void>;
}

const defaultConfig = async (): Promise<ConfigFile> =>
  JSON.parse(await readFile(join(packageRoot, 'config/agent.json'), 'utf8')) as ConfigFile;

/** Returns the names of the sub-agents that the agent starts by itself. */
const startedServices = ({ services }: ConfigFile): string[] =>
  Object.entries(services).flatMap(([name, { command }]) => (command ? [name] : []));

/** Waits until the agent listens and its sub-agents respond. */
const waitUntilUp = async (
  child: ChildProcess,
  client: MistifyClient,
  names: readonly string[],
  output: () => string,
): Promise<void> => {
  const giveUpAt = Date.now() + START_MS;
  for (;;) {
    try {
      const services = await client.services();
      const missing = names.filter(
        (name) => !services.some((service) => service.name === name && service.up),
      );
      if (missing.length === 0) return;
      throw new Error(`sub-agents do not respond: ${missing.join(', ')}`);
    } catch (error) {
      if (child.exitCode !== null || Date.now() > giveUpAt) {
        throw new Error(`the agent did not start:\n${output()}`, { cause: error });
      }
      await delay(50);
    }
  }
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Returns the process ids of the guests that run. */
const qemuPids = async (dbpath: string): Promise<number[]> => {
  const names = await readdir(join(dbpath, 'run'));
  const texts = await Promise.all(
    names.map((name) => readFile(join(dbpath, 'run', name, 'pid'), 'utf8').catch(() => '')),
  );
  return texts.map(Number).filter((pid) => pid > 0);
};

/** Returns the sockets on which sub-agents of a state directory still listen. */
const listening = async (dbpath: string): Promise<string[]> => {
  const sockets = await readFile('/proc/net/unix', 'utf8');
  return sockets.split('\n').filter((line) => line.includes(join(dbpath, 'run', 'services')));
};

/**
 * Starts the agent in a temporary directory. When the test ends, it deletes the remaining guests and stops the agent.
 * @param change changes the default config
 * @param prepare fills the state directory before the first start
 * @param host the directory of what the agents of one host have claimed; by default the agent is alone
 */
export const startRealAgent = async (
  t: ExecutionContext,
  change: (config: ConfigFile) => ConfigFile = (config) => config,
  host?: string,
  prepare: (dbpath: string) => Promise<void> = async () => {},
): Promise<RealAgent> => {
  const dir = await tempDir(t);
  const bootIdFile = join(dir, 'boot_id');
  const boot = (): Promise<void> => writeFile(bootIdFile, `${randomUUID()}\n`);
  await boot();
  const env = {
    ...process.env,
    // Another engine of this host would add its images to the lists.
    DOCKER_HOST: `unix://${join(dir, 'none.sock')}`,
    MISTIFY_HOST_DIR: host ?? join(dir, 'host'),
    MISTIFY_BOOT_ID_FILE: bootIdFile,
  };
  const dbpath = join(dir, 'db');
  const port = await freePort();
  await mkdir(join(dir, 'config'));
  const config = { private_addresses: LOOPBACK, ...change(await defaultConfig()), dbpath };
  await writeFile(join(dir, 'config/agent.json'), JSON.stringify(config));
  const url = `http://127.0.0.1:${port}`;
  const client = new MistifyClient({ url });
  let output = '';
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    child = spawn(process.execPath, [PROGRAM, '-a', `127.0.0.1:${port}`, '-c', join(dir, 'config')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
    await waitUntilUp(child, client, startedServices(config), () => output);
  };

  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };

  const loseHost = async (): Promise<void> => {
    const pids = await qemuPids(dbpath);
    await end('SIGKILL');
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    await until('all guests are gone', () => !pids.some(isAlive));
    await until('its sub-agents have exited', async () => (await listening(dbpath)).length === 0);
    await rm(join(dbpath, 'run'), { recursive: true, force: true });
    await boot();
  };

  const deleteGuests = async (): Promise<void> => {
    for (const { id } of (await client.guests.list()).items) {
      const { jobId } = await client.guests.perform(id, 'delete');
      await client.waitForJob(jobId);
    }
  };

  t.teardown(async () => {
    await deleteGuests().catch((error: unknown) => t.log(`could not delete the guests: ${error}`));
    await end('SIGTERM');
  });
  await prepare(dbpath);
  await start();
  return { client, url, dbpath, output: () => output, end, start, loseHost };
};
