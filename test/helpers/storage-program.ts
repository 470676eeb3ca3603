import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { packageRoot } from '../../lib/files/package-root.js';
import { HEALTH_PATH } from '../../lib/rpc/protocol/calls.js';
import { LOOPBACK } from './loopback.js';
import { freePort } from './ports.js';
import type { StorageResult, TestStorage } from './storage.js';
import { callMethod } from './sub-agents.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

const PROGRAM = join(packageRoot, 'dist/lib/subagents/storage/main.js');

/** The storage sub-agent as its own process, which can be killed and restarted with the same store. */
export interface StorageProgram extends TestStorage {
  start: () => Promise<void>;
  kill: () => Promise<void>;
  /** Everything that the process has printed. */
  output: () => string;
}

/**
 * Prepares the program without starting it.
 * @param args further arguments
 */
export const storageProgram = async (t: ExecutionContext, ...args: string[]): Promise<StorageProgram> => {
  const base = await tempDir(t);
  const [dir, runDir, importDir] = [join(base, 'store'), join(base, 'run'), join(base, 'import')];
  await mkdir(importDir);
  const port = await freePort();
  const argv = [PROGRAM, '--dir', dir, '--run-dir', runDir, '--import-dir', importDir, '--port', `${port}`];
  argv.push('--host-dir', join(base, 'host'), '--private-address', ...LOOPBACK);
  let child: ChildProcess | undefined;
  let output = '';

  const isUp = async (): Promise<boolean> => {
    if (child?.exitCode !== null) throw new Error(`the storage sub-agent did not start:\n${output}`);
    return (await fetch(`http://127.0.0.1:${port}${HEALTH_PATH}`).catch(() => undefined))?.ok ?? false;
  };

  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };

  t.teardown(kill);
  return {
    ...{ port, dir, runDir, importDir, kill, close: kill },
    output: () => output,
    start: async () => {
      child = spawn(process.execPath, [...argv, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
      await until('the storage sub-agent responds', isUp);
    },
    call: async (method, request) => {
      const { status, result, error } = await callMethod(port, `ImageStore.${method}`, request);
      if (status !== 200 || error) throw new Error(error ?? `status ${status}`);
      return result as unknown as StorageResult;
    },
  };
};
