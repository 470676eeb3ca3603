import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { ConfigFile } from '../../lib/config/schema.js';
import { packageRoot } from '../../lib/files/package-root.js';
import { builtProgram } from './built-program.js';
import { type RealAgent, startRealAgent } from './real-agent.js';
import { until } from './wait.js';

export const PROGRAM = builtProgram('agent');

/** Reads config/test-service.json. */
export const testServiceConfig = async (): Promise<ConfigFile> =>
  JSON.parse(await readFile(join(packageRoot, 'config/test-service.json'), 'utf8')) as ConfigFile;

/** Starts the agent's program with the test-service as its sub-agent. */
export const startWithTestService = async (t: ExecutionContext): Promise<RealAgent> => {
  const config = await testServiceConfig();
  return startRealAgent(t, () => config);
};

/** Runs the agent's program until it exits by itself. */
export const runProgram = async (
  ...args: string[]
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> => {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [PROGRAM, ...args], {
    reject: false,
    timeout: 20_000,
  });
  return { exitCode, stdout, stderr };
};

/** Lists the process ids of the sub-agents that the agent has started so far, oldest first. */
export const startedPids = (agent: RealAgent): number[] =>
  [...agent.output().matchAll(/"pid":(\d+)[^\n]*"msg":"service started"/g)].map(([, pid]) => Number(pid));

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

export const waitUntilGone = (pid: number): Promise<unknown> =>
  until(`process ${pid} is gone`, () => !isAlive(pid));
