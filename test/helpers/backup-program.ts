import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { packageRoot } from '../../lib/files/package-root.js';
import { HEALTH_PATH } from '../../lib/rpc/protocol/calls.js';
import { callBackup, type TestBackup } from './backup.js';
import { freePort } from './ports.js';
import { tempDir } from './temp.js';
import { until } from './wait.js';

const PROGRAM = join(packageRoot, 'dist/lib/subagents/backup/main.js');

/** The backup sub-agent as its own process, which can be killed and restarted with the same state. */
export interface BackupProgram extends TestBackup {
  start: () => Promise<void>;
  kill: () => Promise<void>;
  /** Kills the restics that it runs. @returns how many there were */
  killRestic: () => Promise<number>;
  /** Everything that the process has printed. */
  output: () => string;
}

/** Lists the processes with a parent. */
const childrenOf = async (parent: number): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  // The program's name, in brackets, may contain spaces: proc(5).
  return pids.filter((_, n) => Number(stats[n]?.split(') ').at(-1)?.split(' ')[1]) === parent).map(Number);
};

/** Prepares the program without starting it. */
export const backupProgram = async (t: ExecutionContext, ...args: string[]): Promise<BackupProgram> => {
  const dir = join(await tempDir(t), 'backup');
  const port = await freePort();
  let child: ChildProcess | undefined;
  let output = '';

  const isUp = async (): Promise<boolean> => {
    if (child?.exitCode !== null) throw new Error(`the backup sub-agent did not start:\n${output}`);
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
    ...{ port, dir, kill, close: kill },
    output: () => output,
    killRestic: async () => {
      const pids = await childrenOf(child?.pid ?? -1);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      return pids.length;
    },
    start: async () => {
      const argv = [PROGRAM, '--dir', dir, '--port', `${port}`, ...args];
      child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
      await until('the backup sub-agent responds', isUp);
    },
    call: (method, request, attempt) => callBackup(port, method, request, attempt),
  };
};
