import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { HEALTH_PATH } from '../../lib/rpc/protocol/calls.js';
import { builtProgram } from './built-program.js';
import { freePort } from './ports.js';
import { until } from './wait.js';

/** A sub-agent as its own process, which can be killed and restarted with the same arguments and port. */
export interface SubAgentProgram {
  port: number;
  /** Starts it, and waits until it responds. */
  start: () => Promise<void>;
  kill: () => Promise<void>;
  /** Everything that the process has printed. */
  output: () => string;
  /** The id of the latest process; `undefined` before the first start. */
  pid: () => number | undefined;
}

/**
 * Prepares the program of a sub-agent without starting it.
 * @param args its arguments besides `--port`
 */
export const subAgentProgram = async (
  t: ExecutionContext,
  name: 'backup' | 'storage',
  args: readonly string[],
): Promise<SubAgentProgram> => {
  const port = await freePort();
  const argv = [builtProgram(name), '--port', `${port}`, ...args];
  let child: ChildProcess | undefined;
  let output = '';

  const isUp = async (): Promise<boolean> => {
    if (child?.exitCode !== null) throw new Error(`the ${name} sub-agent did not start:\n${output}`);
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
    ...{ port, kill },
    output: () => output,
    pid: () => child?.pid,
    start: async () => {
      child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
      await until(`the ${name} sub-agent responds`, isUp);
    },
  };
};
