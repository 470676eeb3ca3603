import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { builtProgram } from './built-program.js';
import { until } from './wait.js';

/** The sub-agent's program. */
export const QEMU_PROGRAM = builtProgram('qemu');

/** Starts the qemu sub-agent as a process, waits until it serves, and kills it when the test ends. */
export const startQemuProgram = async (
  t: ExecutionContext,
  dir: string,
  port: number,
  ...args: string[]
): Promise<ChildProcess> => {
  const env = {
    ...process.env,
    MISTIFY_PORT: String(port),
    MISTIFY_STATE_DIR: join(dir, 'qemu'),
    MISTIFY_RUN_DIR: join(dir, 'run'),
    MISTIFY_HOST_DIR: join(dir, 'host'),
    MISTIFY_LOG_LEVEL: 'silent',
  };
  const options = { env, stdio: 'ignore' as const };
  const program = spawn(process.execPath, [QEMU_PROGRAM, '--accel', 'tcg', ...args], options);
  t.teardown(() => program.kill('SIGKILL'));
  const responds = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/_mistify_health_`).then(
      (response) => response.ok,
      () => false,
    );
  await until('the program responds', responds);
  return program;
};
