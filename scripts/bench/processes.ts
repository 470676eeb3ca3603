import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import axios from 'axios';
import getPort from 'get-port';
import { packageRoot } from '../../lib/package-root.js';

const START_MS = 15_000;

/** A program under measurement, on loopback. */
export interface Target {
  url: string;
  stop(): Promise<void>;
}

const program = (path: string): string => join(packageRoot, 'dist', path);

/** Starts a Node program and waits until its port answers anything at all. */
const start = async (args: string[], port: number): Promise<ChildProcess> => {
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const giveUpAt = Date.now() + START_MS;
  for (;;) {
    try {
      await axios.get(`http://127.0.0.1:${port}/`, { validateStatus: () => true, proxy: false });
      return child;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > giveUpAt) throw error;
      await delay(50);
    }
  }
};

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
};

/** The agent with the test-service behind every action, its state in a temporary directory. */
export const startAgent = async (): Promise<Target> => {
  const dir = await mkdtemp(join(tmpdir(), 'mistify-bench-'));
  const port = await getPort();
  const stage = (method: string): object => ({ stages: [{ service: 'test', method }] });
  const config = {
    dbpath: join(dir, 'db'),
    services: { test: { socket: 'test.sock', max_pending: 32, command: ['mistify-test-service'] } },
    actions: { create: stage('Libvirt.Create'), cpuMetrics: stage('Libvirt.CPUMetrics') },
  };
  await writeFile(join(dir, 'agent.json'), JSON.stringify(config));
  const args = [program('routes/mistify-agent.js'), '-a', `127.0.0.1:${port}`, '-l', 'warn', '-c', dir];
  const child = await start(args, port);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      await stop(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
};

/** Hapi alone; `answers` are what it is to say. */
export const startBareHapi = async (answers: readonly object[]): Promise<Target> => {
  const dir = await mkdtemp(join(tmpdir(), 'mistify-bench-'));
  const port = await getPort();
  const file = join(dir, 'answers.json');
  await writeFile(file, JSON.stringify(answers));
  const child = await start([program('scripts/bench/bare-hapi.js'), String(port), file], port);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      await stop(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
};
