import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import axios from 'axios';
import { packageRoot } from '../../lib/files/package-root.js';
import { stopWhenInterrupted } from './interrupted.js';

const START_MS = 120_000;
const POLL_MS = 20;

/** A program under measurement, on loopback. */
export interface Running {
  url: string;
  pid: number;
  /** Milliseconds from the start to the first response. */
  startMs: number;
  stop(): Promise<void>;
}

/** @param path in `dist`, with `.js` */
export const builtProgram = (path: string): string => join(packageRoot, 'dist', path);

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
};

/**
 * Starts a Node program and waits until its port responds.
 * @param environment variables beside this program's own
 */
export const startProgram = async (
  args: readonly string[],
  port: number,
  environment: NodeJS.ProcessEnv = {},
): Promise<Running> => {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, ...environment } });
  const end = stopWhenInterrupted(() => stop(child));
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    try {
      await axios.get(`${url}/healthz`, { validateStatus: () => true, proxy: false });
      const startMs = performance.now() - startedAt;
      return { url, pid: Number(child.pid), startMs, stop: end };
    } catch (error) {
      if (child.exitCode !== null || performance.now() - startedAt > START_MS) {
        await end();
        throw error;
      }
      await delay(POLL_MS);
    }
  }
};

/** Starts a program in a temporary directory, which is removed when the program has stopped. */
export const withDirectory = async (start: (directory: string) => Promise<Running>): Promise<Running> => {
  const directory = await mkdtemp(join(tmpdir(), 'mistify-bench-'));
  const remove = stopWhenInterrupted(() => rm(directory, { recursive: true, force: true }));
  try {
    const running = await start(directory);
    return {
      ...running,
      stop: async () => {
        await running.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
};

/** Does some work with running programs, and stops them whether it succeeds or fails. */
export const using = async <T>(running: readonly Running[], work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
};

const KIB_PER_MB = 1024;

/** Reads a process's memory in MB, with its share of what it shares with others: proc_pid_smaps_rollup(5). */
export const shareOfMemory = async (pid: number): Promise<number> => {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / KIB_PER_MB;
};

/** Reads a process's resident memory in MB, now and at its peak: proc_pid_status(5). */
export const memoryOf = async (pid: number): Promise<{ now: number; peak: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mb = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / KIB_PER_MB;
  return { now: mb('VmRSS'), peak: mb('VmHWM') };
};
